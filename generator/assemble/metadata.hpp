// Reading a parcel's metadata.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace tinderbox {

// A text field; "" when it is absent or something else.
inline std::string text_field(const nlohmann::json& metadata, const char* name) {
    auto it = metadata.find(name);
    return it != metadata.end() && it->is_string() ? it->get<std::string>() : "";
}

} // namespace tinderbox
