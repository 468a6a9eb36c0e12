// Last job of the linker: what the manifest says of the whole image – names, needs, sizes, the base, the installer.
#pragma once

#include "generator/assemble/linking.hpp"

namespace tinderbox::assemble {

// After everything has its place. Puts the licences that an installer asks to accept before those of the packages.
void fill_manifest(Linking& linking);

} // namespace tinderbox::assemble
