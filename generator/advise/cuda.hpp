// What CUDA an environment carries, read from its packages and from what its ELF files link against.
#pragma once

#include "common/format/manifest.hpp"

#include <string>
#include <vector>

namespace tinderbox {

// All evidence, strongest first: a packaged runtime, what pins one (cuda-version, pytorch-cuda, cuda-toolkit), a
// wheel's +cuXXX or a conda build string, wheels named -cuNN, sonames. The strongest decides the floor; two majors
// among all but the last kind are a mistake worth a word.
std::vector<CudaEvidence> cuda_evidence(const std::vector<PackageInfo>& packages,
                                        const std::vector<std::pair<std::string, std::vector<std::string>>>& needed);

} // namespace tinderbox
