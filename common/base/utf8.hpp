// UTF-8 (RFC 3629), and texts of artifacts in other encodings. Thread-safe, without errors.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tinderbox {

// Whether UTF-8 can encode the code point: no half of a surrogate pair, nothing above U+10FFFF.
constexpr bool is_scalar_value(char32_t code) { return code < 0xd800 || (code >= 0xe000 && code <= 0x10ffff); }
// Appends one character. `code` must be a scalar value.
void append_utf8(std::string& out, char32_t code);

// Shortest forms of scalar values only; "" is valid.
bool is_valid_utf8(std::string_view text);

// Each byte is one character.
std::string latin1_to_utf8(std::string_view text);
// The opposite; nullopt: not UTF-8, or a character beyond U+00FF.
std::optional<std::string> utf8_to_latin1(std::string_view text);
// JSON carries UTF-8 only, and old METADATA and licence texts are whatever their authors wrote: text that is not UTF-8
// is read as Latin-1.
std::string to_utf8(std::string_view text);

} // namespace tinderbox
