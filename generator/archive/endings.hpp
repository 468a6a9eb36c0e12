// Endings of package file names: one table for pages of an index, lists of files, and readers of files.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

namespace tinderbox::archive {

inline constexpr std::array<std::string_view, 1> wheel_endings = {".whl"}; // PEP 427
// Source distributions: PEP 625 has .tar.gz only, and pip accepts the older ones.
inline constexpr std::array<std::string_view, 6> sdist_endings = {".tar.gz", ".zip",    ".tar.bz2",
                                                                  ".tgz",    ".tar.xz", ".tar"};
// A .tar.bz2 counts as a conda package only where one is expected.
inline constexpr std::array<std::string_view, 2> conda_endings = {".conda", ".tar.bz2"};

// The name without its ending from the list; nullopt when it has none of them.
constexpr std::optional<std::string_view> without_ending(std::string_view file_name,
                                                         std::span<const std::string_view> endings) {
    for (std::string_view ending : endings)
        if (file_name.ends_with(ending)) return file_name.substr(0, file_name.size() - ending.size());
    return std::nullopt;
}

constexpr bool is_wheel(std::string_view file_name) { return without_ending(file_name, wheel_endings).has_value(); }
constexpr bool is_sdist(std::string_view file_name) { return without_ending(file_name, sdist_endings).has_value(); }
// Whether pip can install from the file: a "distribution" of PyPA.
constexpr bool is_distribution(std::string_view file_name) { return is_wheel(file_name) || is_sdist(file_name); }
constexpr bool is_conda_package(std::string_view file_name) {
    return without_ending(file_name, conda_endings).has_value();
}

} // namespace tinderbox::archive
