// Fifth job of the linker: pkgs/ of the base in the form of conda's cache. Each package is extracted with its
// placeholders, beside its repodata record.
#pragma once

#include "generator/assemble/generated_files.hpp"

namespace tinderbox::assemble {

// Its files are installed only where the package cache is kept (destination_package_cache).
Status add_package_cache(Linking& linking, Destinations& destinations, GeneratedFiles& generated);

} // namespace tinderbox::assemble
