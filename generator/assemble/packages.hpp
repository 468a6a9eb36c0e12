// First job of the linker: the manifest's packages with their scripts, and all licence texts.
#pragma once

#include "generator/assemble/linking.hpp"

namespace tinderbox::assemble {

// Fills Linking::packages, the manifest's packages and scripts, and Image::licenses.
void describe_packages(Linking& linking);

} // namespace tinderbox::assemble
