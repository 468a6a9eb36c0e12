// Last job of the linker: the facts about the whole image in the manifest (names, needs, sizes, the base, the
// installer).
#pragma once

#include "generator/assemble/linking.hpp"

namespace tinderbox::assemble {

// Call it last. Puts the licences that an installer asks to accept before those of the packages.
void fill_manifest(Linking& linking);

} // namespace tinderbox::assemble
