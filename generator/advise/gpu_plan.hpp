// What a plan can already say about GPUs: from the names and versions in the lock, and from the libraries of those
// artifacts whose parcels are in the cache. Nothing is downloaded or packed for it.
#pragma once

#include "common/format/manifest.hpp"
#include "generator/lock/lock.hpp"
#include "generator/parcel/parcel.hpp"

#include <string>
#include <utility>
#include <vector>

namespace tinderbox {

struct PlannedGpuNeeds {
    Requirements needs;                   // its CUDA fields
    std::size_t artifacts = 0, known = 0; // of the lock, and of those in the cache
};
PlannedGpuNeeds planned_gpu_needs(const Lock& lock, const ParcelCache& cache, Level level);

// Label and text of each line for --plan; empty without CUDA.
std::vector<std::pair<std::string, std::string>> gpu_plan_lines(const PlannedGpuNeeds& planned);

} // namespace tinderbox
