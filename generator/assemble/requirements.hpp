// What the finished environment needs of the machine it goes to.
#pragma once

#include "common/format/manifest.hpp"
#include "generator/assemble/link.hpp"

namespace tinderbox {

Requirements environment_requirements(const Manifest& manifest, const std::vector<LinkInput>& inputs,
                                      const PythonInfo& python);

} // namespace tinderbox
