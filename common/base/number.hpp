// Whole numbers in texts. Thread-safe.
#pragma once

#include <charconv>
#include <string_view>

namespace tinderbox {

// Whether all of `text` is a number that fits into `out`: digits of this base, and a leading '-' where T has a sign.
template <class T> bool parse_number(std::string_view text, T& out, int base = 10) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
    return error == std::errc() && end == text.data() + text.size();
}

} // namespace tinderbox
