// The needs of a finished environment: glibc, libraries, CUDA, driver, GPU.
#pragma once

#include "common/format/manifest.hpp"
#include "generator/assemble/link.hpp"

namespace tinderbox::assemble {

// `python_of` returns the Python of a prefix; null: the prefix has none. Of the base's packages only glibc counts:
// CUDA, frameworks and system libraries are needs of the environment.
format::Requirements environment_requirements(const format::Manifest& manifest, const std::vector<LinkInput>& inputs,
                                              const std::function<const format::PythonInfo*(format::Root)>& python_of);

} // namespace tinderbox::assemble
