// The distance between two names, for "did you mean".
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace tinderbox {

// Levenshtein's distance: how many characters must be inserted, removed or replaced to make `b` of `a`. Takes
// |a| · |b| steps, so it is for names.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The word of `known` that `word` was meant to be: the nearest in another case, or with one or two other letters (one
// where it has fewer than five). "" for a known word, and for one that resembles none.
std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known);

} // namespace tinderbox
