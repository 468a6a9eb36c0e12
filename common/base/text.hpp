// Cutting text into parts, and ASCII case. Thread-safe, without errors.
#pragma once

#include "common/base/result.hpp"

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox {

std::string_view trim(std::string_view text);
// The parts are views into `text`, which has to outlive them: a temporary string is refused by the compiler.
std::vector<std::string_view> split(std::string_view text, char separator);
std::vector<std::string_view> split(std::same_as<std::string> auto&& text, char separator) = delete;
// Lines without their "\n" or "\r\n"; a UTF-8 byte-order mark at the start is dropped. Views, as of split().
std::vector<std::string_view> split_lines(std::string_view text);
std::vector<std::string_view> split_lines(std::same_as<std::string> auto&& text) = delete;
std::string to_lower(std::string_view text); // ASCII only
// "a, b and 3 more": the first `shown` texts, and the number of the others. "a; b; and 3 more" with the separator "; ".
std::string some_of(const std::vector<std::string>& texts, std::size_t shown, std::string_view separator = ", ");
// "a, b and c", or as some_of() says it: a single one more is named, not counted.
std::string all_or_some(const std::vector<std::string>& texts, std::size_t shown);
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

} // namespace tinderbox
