// The needs of a finished environment: glibc, libraries, CUDA, driver, GPU.
#pragma once

#include "common/format/manifest.hpp"
#include "generator/assemble/link.hpp"

namespace tinderbox::assemble {

// `python_of` says which Python is in a prefix, null for none. Of the base's packages only their glibc counts: CUDA,
// frameworks and the system's libraries are the environment's business.
format::Requirements environment_requirements(const format::Manifest& manifest, const std::vector<LinkInput>& inputs,
                                              const format::PythonInfo& python,
                                              const std::function<const format::PythonInfo*(format::Root)>& python_of);

} // namespace tinderbox::assemble
