// How hard a parcel is compressed: --level fast|default|max.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tinderbox::parcel {

enum class Level : std::uint8_t { fast, standard, max };

// "fast", "default", "max": the words of --level, of keys and of the manifest.
std::string_view level_name(Level level);
std::optional<Level> parse_level(std::string_view name);

} // namespace tinderbox::parcel
