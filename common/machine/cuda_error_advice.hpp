// Remedies for the error codes of CUDA's driver and runtime.
#pragma once

#include "common/format/manifest.hpp"

#include <string>

namespace tinderbox::machine {

// Advice to the user on an error code; CUresult and cudaError_t share their numbers. "": no advice is known.
std::string cuda_error_advice(int code, const format::Requirements& needs);

} // namespace tinderbox::machine
