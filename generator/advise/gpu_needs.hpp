// What an environment needs of GPU and driver, computed from its packages and from what was read out of its libraries.
#pragma once

#include "common/format/manifest.hpp"
#include "generator/parcel/parcel.hpp"

#include <string>
#include <vector>

namespace tinderbox {

struct InstalledElf {
    std::string path;    // below the prefix
    std::string package; // its name
    const Parcel::ElfFact* fact = nullptr;
};

// Fills in the CUDA fields of `needs`. `packages` and `files` are the environment's own, without its base's.
void add_gpu_needs(Requirements& needs, const std::vector<PackageInfo>& packages,
                   const std::vector<InstalledElf>& files);

} // namespace tinderbox
