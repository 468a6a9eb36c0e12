// The needs for GPU and driver that a plan knows without downloading or packing: names and versions from the lock,
// facts about libraries from cached parcels.
#pragma once

#include "common/format/manifest.hpp"
#include "generator/lock/lock.hpp"
#include "generator/parcel/parcel.hpp"

#include <string>
#include <utility>
#include <vector>

namespace tinderbox::advise {

struct PlannedGpuNeeds {
    format::Requirements needs;           // its fields about CUDA, GPUs and glibc
    std::size_t artifacts = 0, known = 0; // of the lock, and of those in the cache
};
// `captured`: the packages of a captured prefix, which no artifact of the lock has.
PlannedGpuNeeds planned_gpu_needs(const lock::Lock& lock, const parcel::ParcelCache& cache, parcel::Level level,
                                  std::vector<format::PackageInfo> captured = {});

// Label and text of each line for --plan; empty without CUDA.
std::vector<std::pair<std::string, std::string>> gpu_plan_lines(const PlannedGpuNeeds& planned);

} // namespace tinderbox::advise
