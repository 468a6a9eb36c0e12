// The machine without its GPU: operating system, processor, C library, shared libraries. Thread-safe.
#pragma once

#include "common/format/manifest.hpp"
#include "common/machine/finding.hpp"
#include "common/machine/system_root.hpp"

#include <map>

namespace tinderbox::machine {

struct MachineFacts {
    std::string system, processor, kernel; // uname
    std::string distribution;              // PRETTY_NAME of os-release
    int cpu_level = 0;                     // x86-64-vN; 0 = unknown or another processor
    std::string glibc, glibc_path;         // the target's, never that of this program
    bool musl = false;
    std::map<std::string, std::string> libraries; // of the manifest: soname → path, "": not found
};

// Kernel facts come from `root` only. The C library and other libraries come from `root` when it has them, else from
// this machine: a tree that a user sends holds only /proc, /sys and /dev.
MachineFacts read_machine_facts(const SystemRoot& root, const format::Requirements& needs,
                                const std::map<std::string, std::string>& environment);

// The findings about a machine. Reads nothing but its arguments.
std::vector<Finding> judge_machine(const MachineFacts& facts, const format::Manifest& manifest);

// 1 … 4 from the flags line of /proc/cpuinfo (the x86-64 psABI's levels); 0 = no such line.
int cpu_level_of(std::string_view cpuinfo);

nlohmann::json to_json(const MachineFacts& facts);

} // namespace tinderbox::machine
