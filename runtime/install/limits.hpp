// How long a prefix may be, by the files that are installed into it.
#pragma once

#include "common/format/table.hpp"
#include "runtime/place/place.hpp"

namespace tinderbox::install {

// Kind usage: a prefix of the layout is longer than the room in a binary of the table, which is named.
Status check_limits(const format::Table& table, const place::Layout& layout);

} // namespace tinderbox::install
