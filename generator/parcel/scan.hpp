// Finding the old prefix in a file: the relocation records of one content (docs/inside/installer-formats.md §2,
// table.hpp).
#pragma once

#include "generator/parcel/artifact.hpp"

namespace tinderbox::parcel {

// text: every occurrence is a `text` relocation; a first line "#!…" with the placeholder in it is one `shebang`.
// binary: one `cstring` from the first occurrence in a C string to its NUL (or the file's end).
// `shebang` (Entry::shebang) replaces the first line whatever it is. Sorted by offset, without overlap.
std::vector<format::Reloc> find_relocations(ByteView content, PrefixMode mode, std::string_view placeholder,
                                            std::string_view shebang);

} // namespace tinderbox::parcel
