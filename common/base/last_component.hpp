// The end of a path or of a URL's path. Thread-safe, without errors.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace tinderbox {

// "a/b" → "b", "b" → "b", "a/" → "". A view to the end of `path`, which has to outlive it; of a std::string it is
// followed by that string's NUL.
constexpr std::string_view last_component(std::string_view path) { return path.substr(path.rfind('/') + 1); }
std::string_view last_component(std::same_as<std::string> auto&& path) = delete;

} // namespace tinderbox
