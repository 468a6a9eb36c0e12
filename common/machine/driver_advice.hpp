// Advice on getting an NVIDIA driver onto this machine. With a package repository that has the driver it is the command
// for the distribution. Otherwise it names the files to fetch elsewhere, and the command to run after carrying them
// here. For an unknown distribution it names the driver alone. Thread-safe.
#pragma once

#include "common/machine/distribution.hpp"

#include <string>
#include <vector>

namespace tinderbox::machine {

struct DriverRequest {
    std::string at_least;     // "525.60.13"
    std::vector<int> compute; // of the GPUs, × 10; 0 = unknown
    std::string kernel_release;
    std::string machine = "x86_64"; // as uname says
    bool container = false;         // the driver is the host's
};

// The branch to install (580): one with long support that knows the GPUs and is new enough. 0: no branch fits.
int driver_branch(const DriverRequest& request);

// "install NVIDIA's driver 525.60.13 or newer: …"; `verb` is "install" or "upgrade to".
std::string driver_advice(const DriverRequest& request, const Distribution& distribution, std::string_view verb);

} // namespace tinderbox::machine
