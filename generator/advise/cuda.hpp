// The CUDA of an environment, read from its packages and from the libraries that its ELF files link against.
#pragma once

#include "common/format/manifest.hpp"

#include <string>
#include <vector>

namespace tinderbox::advise {

// A library of the environment.
struct LinkedLibrary {
    std::string path;                // below the prefix
    std::vector<std::string> needed; // sonames
    std::string ptx_cuda;            // the newest CUDA that wrote PTX of it; "" = none, or not known
};

// All evidence, strongest first: a packaged runtime; a package that pins one (cuda-version, pytorch-cuda,
// cuda-toolkit); a wheel's +cuXXX or a conda build string; a CUDA runtime among the libraries; wheels named -cuNN;
// sonames; and, where nothing else tells, the CUDA that wrote the PTX (frameworks link CUDA statically, or open its
// libraries by names that they put together). The strongest decides the floor. Two majors, libraries not counted, are
// a mistake that deserves a warning.
std::vector<format::CudaEvidence> cuda_evidence(const std::vector<format::PackageInfo>& packages,
                                                const std::vector<LinkedLibrary>& libraries);

} // namespace tinderbox::advise
