// The target of the packages: interpreter and machine of the environment, as the request states them. No function here
// asks the building machine.
#pragma once

#include "generator/pip/marker.hpp"

#include <optional>

namespace tinderbox::pip {

struct Target {
    std::string python = "3.11";       // "3.11" or "3.11.9"; markers see ".0" when there is no third number
    std::string platform = "linux-64"; // conda's name: linux-64, linux-aarch64
    std::string glibc = "2.28";        // the oldest glibc the environment must run with
    bool free_threaded = false;        // a CPython built without the GIL ("3.13t")

    // Error (kind usage): a wrong or unsupported value.
    Status check() const;
    std::string python_minor() const; // "3.11"
};

// "x86_64" for linux-64; "" for an unknown platform.
std::string machine_of(std::string_view platform);

// Refuses what machine_of() does not know. Error (kind usage): it names the platforms that installers are made for.
Status check_platform(std::string_view platform);

// PEP 508's variables for the target. platform_release and platform_version are empty, because the build does not know
// the target's kernel.
MarkerEnvironment marker_environment(const Target& target);

} // namespace tinderbox::pip
