// What the packages must fit: the interpreter and the machine of the environment that is built, as stated in the
// request. Nothing here asks the machine that Tinderbox runs on.
#pragma once

#include "generator/pip/marker.hpp"

#include <optional>

namespace tinderbox::pip {

struct Target {
    std::string python = "3.11";       // "3.11" or "3.11.9"; markers see ".0" when there is no third number
    std::string platform = "linux-64"; // conda's name: linux-64, linux-aarch64
    std::string glibc = "2.28";        // the oldest glibc the environment must run with
    bool free_threaded = false;        // a CPython built without the GIL ("3.13t")

    // Error (kind usage): what is wrong with the values, or not supported.
    Status check() const;
    std::string python_minor() const; // "3.11"
};

// "x86_64" for linux-64; "" for a platform we do not know.
std::string machine_of(std::string_view platform);

// PEP 508's variables for the target. platform_release and platform_version are empty: they are the kernel's,
// which nobody knows at build time.
MarkerEnvironment marker_environment(const Target& target);

} // namespace tinderbox::pip
