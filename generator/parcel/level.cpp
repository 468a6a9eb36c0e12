#include "generator/parcel/level.hpp"

namespace tinderbox::parcel {

std::string_view level_name(Level level) {
    switch (level) {
    case Level::fast:
        return "fast";
    case Level::standard:
        return "default";
    case Level::max:
        return "max";
    }
    return "default";
}

std::optional<Level> parse_level(std::string_view name) {
    for (Level level : {Level::fast, Level::standard, Level::max})
        if (name == level_name(level)) return level;
    return std::nullopt;
}

} // namespace tinderbox::parcel
