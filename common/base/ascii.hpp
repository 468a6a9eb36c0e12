// Classes of ASCII characters, whatever the locale. Every other byte belongs to none of them.
#pragma once

namespace tinderbox {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_alpha(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }
constexpr bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }
// Characters of a variable's name.
constexpr bool is_word(char c) { return is_alnum(c) || c == '_'; }

} // namespace tinderbox
