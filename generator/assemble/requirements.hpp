// What the finished environment needs of the machine it goes to.
#pragma once

#include "common/format/manifest.hpp"
#include "generator/assemble/link.hpp"

namespace tinderbox {

// `python_of` says which Python is in a prefix, null for none. Of the base's packages only their glibc counts: CUDA,
// frameworks and the system's libraries are the environment's business.
Requirements environment_requirements(const Manifest& manifest, const std::vector<LinkInput>& inputs,
                                      const PythonInfo& python,
                                      const std::function<const PythonInfo*(Root)>& python_of);

// Whether "2.35" is newer than "2.31".
bool newer_glibc(std::string_view a, std::string_view b);

} // namespace tinderbox
