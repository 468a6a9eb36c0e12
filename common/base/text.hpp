// Small text and path helpers.
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
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);
bool is_valid_utf8(std::string_view text);

// "5.6 GB", "512 kB": powers of 1000, three significant digits.
std::string format_bytes(std::uint64_t bytes);
// "4G", "700 MiB", "650MB", "4294967296": K, M, G, T (and KiB, …) count in 1024, KB, MB, … in 1000. Case does not
// matter.
std::optional<std::uint64_t> parse_bytes(std::string_view text);
// "0.4 s", "3 min 12 s".
std::string format_duration(double seconds);

// Quotes for a POSIX shell when needed.
std::string shell_quote(std::string_view text);

// A member's path from an archive, made relative and normal: "./a//b/" → "a/b". Error (kind usage, a
// sentence without the artifact's name) for an absolute path, "..", NUL, control characters, an empty path,
// or a component over 255 bytes. Never touches the file system.
Result<std::string> safe_relative_path(std::string_view path);

// True when a symlink at `link_path` (relative to the prefix) with this target stays inside the prefix.
// Absolute targets are outside. Purely lexical.
bool symlink_stays_inside(std::string_view link_path, std::string_view target);

} // namespace tinderbox
