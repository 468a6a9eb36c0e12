// What tells the report of one machine from that of another: its name, processor and memory.
#pragma once

#include "common/machine/system_root.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>

namespace tinderbox::machine {

struct HostFacts {
    std::string name;               // as the kernel has it (uname -n); "" = unknown or left out
    std::string processor;          // "AMD EPYC 7763 64-Core Processor"; "" = the kernel does not tell (many ARM)
    unsigned cpus = 0;              // hardware threads that are online; 0 = unknown
    std::uint64_t memory_bytes = 0; // that the kernel manages (MemTotal); 0 = unknown
};

HostFacts read_host_facts(const SystemRoot& root);

// Bytes that programs can still take without swapping (MemAvailable); 0 = unknown.
std::uint64_t available_memory(const SystemRoot& root);

nlohmann::json to_json(const HostFacts& facts); // without the members that are unknown

} // namespace tinderbox::machine
