// Suggests a build that fits a GPU, from a versioned table of the architectures in published wheels. Thread-safe.
#pragma once

#include "common/format/manifest.hpp"

#include <string>

namespace tinderbox::machine {

struct GpuBuild {
    std::string_view package, version, cuda; // "torch", "2.7.1", "12.6"
    std::string_view where;                  // "on the package index", "as +cu118"
    std::string_view architectures;          // "sm_50 sm_60 … compute_90"
};

// "build the installer with torch 2.7.1 …": the newest build in the table with code for `compute` of a framework that
// the environment has, that a driver of at most branch `last_branch` (0: any) runs; else the newest CUDA that still
// writes code for the GPU.
std::string suggest_build(const format::Requirements& needs, int compute, int last_branch);

} // namespace tinderbox::machine
