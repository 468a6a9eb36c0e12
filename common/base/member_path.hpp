// Paths that archives and installers name: they must stay inside the directory that they are unpacked to. Nothing here
// touches the file system. Thread-safe.
#pragma once

#include "common/base/result.hpp"

#include <string>
#include <string_view>

namespace tinderbox {

// Bytes. Linux opens no path over 4095 bytes (PATH_MAX less its NUL): 1024 of them are the prefix's, 256 what may lie
// between the two (envs/NAME, a staging directory).
inline constexpr std::size_t prefix_limit = 1024;
inline constexpr std::size_t member_path_limit = 4095 - prefix_limit - 256;

// A member's path from an archive, made relative and normal: "./a//b/" → "a/b". Error (kind usage, a sentence without
// the artifact's name) for an absolute path, "..", NUL, control characters (C0, DEL, C1), an empty path, a component
// over 255 bytes (NAME_MAX), or a path over member_path_limit.
Result<std::string> safe_relative_path(std::string_view path);

// True when a symlink at `link_path` (relative to the prefix) with this target stays inside the prefix.
// Absolute targets are outside. Purely lexical.
bool symlink_stays_inside(std::string_view link_path, std::string_view target);

// The target of an archive's symlink at `link_path`: it stays inside, fits into a path, and has no control characters,
// of which a line end would forge a line of a list, and '\x01' would become the prefix. Error as safe_relative_path's;
// `whole` says what it leaves.
Status check_link_target(std::string_view link_path, std::string_view target, std::string_view whole = "the prefix");

} // namespace tinderbox
