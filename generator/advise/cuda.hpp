// What CUDA an environment carries, read from its packages and from what its ELF files link against.
#pragma once

#include "common/format/manifest.hpp"

#include <string>
#include <vector>

namespace tinderbox {

// One library's dependency that tells of CUDA: "libcudart.so.12".
struct CudaEvidence {
    int major = 0;
    std::string version; // "12.8", or just "12" when only a soname is known
    std::string because; // "nvidia-cuda-runtime-cu12 12.8.90", "lib/…/libtorch_cuda.so needs libcudart.so.12"
};

// All evidence, strongest first: a packaged runtime, then a wheel's +cuXXX, then sonames. Two majors in one
// environment are a mistake worth a word (issue 5's lint); the strongest decides the floor.
std::vector<CudaEvidence> cuda_evidence(const std::vector<PackageInfo>& packages,
                                        const std::vector<std::pair<std::string, std::vector<std::string>>>& needed);

} // namespace tinderbox
