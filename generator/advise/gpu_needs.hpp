// The needs of an environment for GPU and driver, computed from its packages and from the facts about its libraries.
#pragma once

#include "common/format/manifest.hpp"
#include "generator/parcel/parcel.hpp"

#include <string>
#include <vector>

namespace tinderbox::advise {

struct InstalledElf {
    std::string path;    // below the prefix
    std::string package; // its name
    const parcel::Parcel::ElfFact* fact = nullptr;
};

// Fills in the fields of `needs` about CUDA and GPUs. `packages` and `files` are the environment's own, without its
// base's.
void add_gpu_needs(format::Requirements& needs, const std::vector<format::PackageInfo>& packages,
                   const std::vector<InstalledElf>& files);

} // namespace tinderbox::advise
