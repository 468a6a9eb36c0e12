// Paths that archives and installers name: they must stay inside the directory that they are unpacked to. Nothing here
// touches the file system. Thread-safe.
#pragma once

#include "common/base/result.hpp"

#include <string>
#include <string_view>

namespace tinderbox {

// A member's path from an archive, made relative and normal: "./a//b/" → "a/b". Error (kind usage, a
// sentence without the artifact's name) for an absolute path, "..", NUL, control characters, an empty path,
// or a component over 255 bytes.
Result<std::string> safe_relative_path(std::string_view path);

// True when a symlink at `link_path` (relative to the prefix) with this target stays inside the prefix.
// Absolute targets are outside. Purely lexical.
bool symlink_stays_inside(std::string_view link_path, std::string_view target);

} // namespace tinderbox
