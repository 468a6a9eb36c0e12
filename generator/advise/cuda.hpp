// The CUDA of an environment, read from its packages and from the libraries that its ELF files link against.
#pragma once

#include "common/format/manifest.hpp"

#include <string>
#include <vector>

namespace tinderbox::advise {

// All evidence, strongest first: a packaged runtime; a package that pins one (cuda-version, pytorch-cuda,
// cuda-toolkit); a wheel's +cuXXX or a conda build string; wheels named -cuNN; sonames. The strongest decides the
// floor. Two majors, sonames not counted, are a mistake that deserves a warning.
std::vector<format::CudaEvidence>
cuda_evidence(const std::vector<format::PackageInfo>& packages,
              const std::vector<std::pair<std::string, std::vector<std::string>>>& needed);

} // namespace tinderbox::advise
