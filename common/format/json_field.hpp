// A field of JSON that someone else wrote: a package's metadata, the answer of a child process.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace tinderbox {

// A text; "" when it is absent, is something else, or `object` is no object. Never throws.
inline std::string text_field(const nlohmann::json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

} // namespace tinderbox
