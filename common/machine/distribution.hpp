// The machine's Linux distribution and its package repositories: for advice that people can type in. Thread-safe.
#pragma once

#include "common/machine/system_root.hpp"

#include <string>

namespace tinderbox::machine {

struct Distribution {
    std::string id, version, name;  // os-release: "debian", "12", "Debian GNU/Linux 12 (bookworm)"; "" = unknown
    std::string family;             // "debian", "ubuntu", "rhel", "fedora", "suse", "arch"; "" = another
    bool repositories = false;      // a package repository that is no CD is configured
    bool driver_repository = false; // one that holds NVIDIA's driver (non-free, restricted, NVIDIA's own, RPM Fusion)
    bool headers = false;           // those of the running kernel are installed
};

Distribution read_distribution(const SystemRoot& root, const std::string& kernel_release);

} // namespace tinderbox::machine
