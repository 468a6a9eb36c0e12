// Hexadecimal digits: hashes as people and lists write them. Thread-safe, without errors.
#pragma once

#include "common/base/bytes.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tinderbox {

// 0 to 15, either case; -1 for any other character.
constexpr int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// Whether the text is exactly `digits` hexadecimal digits, at least one; either case. "" is not hexadecimal.
bool is_hex(std::string_view text, std::size_t digits);

// Lower case, two digits a byte.
std::string to_hex(ByteView bytes);
// nullopt for an odd number of characters, and for one that is no digit. "" gives no bytes.
std::optional<Bytes> from_hex(std::string_view text);

} // namespace tinderbox
