// The distance between two names, for "did you mean".
#pragma once

#include <cstddef>
#include <string_view>

namespace tinderbox {

// Levenshtein's distance: how many characters must be inserted, removed or replaced to make `b` of `a`. Takes
// |a| · |b| steps, so it is for names.
std::size_t edit_distance(std::string_view a, std::string_view b);

} // namespace tinderbox
