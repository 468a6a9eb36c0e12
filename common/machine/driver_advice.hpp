// How to get an NVIDIA driver onto this machine: the command for its distribution where a package repository that has
// the driver is configured, and for a machine without one which files to fetch elsewhere and what to run after carrying
// them here. Without knowledge of the distribution: which driver.
#pragma once

#include "common/machine/distribution.hpp"

#include <string>
#include <vector>

namespace tinderbox {

struct DriverWish {
    std::string at_least;     // "525.60.13"
    std::vector<int> compute; // of the GPUs, × 10; 0 = unknown
    std::string kernel_release;
    std::string machine = "x86_64"; // as uname says
    bool container = false;         // the driver is the host's
};

// "580": the branch to install: a long-term one that knows the GPUs and is new enough; 0 when no branch is.
int driver_branch(const DriverWish& wish);

// "install NVIDIA's driver 525.60.13 or newer: …"; `verb` is "install" or "upgrade to".
std::string driver_advice(const DriverWish& wish, const Distribution& distribution, std::string_view verb);

} // namespace tinderbox
