// What the finished environment needs of the machine it goes to.
#pragma once

#include "common/format/manifest.hpp"
#include "generator/assemble/link.hpp"

namespace tinderbox {

Requirements environment_requirements(const Manifest& manifest, const std::vector<LinkInput>& inputs,
                                      const PythonInfo& python);

// Whether "2.35" is newer than "2.31".
bool newer_glibc(std::string_view a, std::string_view b);

} // namespace tinderbox
