#include "common/format/json_fields.hpp"

#include <algorithm>

namespace tinderbox::format {

using nlohmann::json;

void JsonFields::text(const char* key, std::string& out, bool required) {
    const json* value = get(key, required);
    if (!value) return;
    if (value->is_string()) out = value->get<std::string>();
    else wrong(key, "a string");
}

void JsonFields::texts(const char* key, std::vector<std::string>& out) {
    const json* value = get(key, false);
    if (!value) return;
    const bool good =
        value->is_array() && std::all_of(value->begin(), value->end(), [](const json& one) { return one.is_string(); });
    if (good) out = value->get<std::vector<std::string>>();
    else wrong(key, "a list of strings");
}

void JsonFields::flag(const char* key, bool& out) {
    const json* value = get(key, false);
    if (!value) return;
    if (value->is_boolean()) out = value->get<bool>();
    else wrong(key, "true or false");
}

void JsonFields::text_map(const char* key, const char* what, std::map<std::string, std::string>& to) {
    const json* found = get(key, false);
    if (!found) return;
    if (!found->is_object()) return wrong(key, "an object");
    for (const auto& [name, value] : found->items()) {
        if (value.is_string()) to[name] = value.get<std::string>();
        else fail(fmt::format("the {} '{}' is not a string", what, name));
    }
}

void JsonFields::fail(std::string text) {
    if (!error_) error_ = make_error(kind_, "{}: {}; {}", where_, text, remedy_);
}

const json* JsonFields::get(const char* key, bool required) {
    if (auto found = object_.find(key); found != object_.end()) return &*found;
    if (required) fail(fmt::format("it lacks '{}'", key));
    return nullptr;
}

void JsonFields::wrong(const char* key, const char* what) { fail(fmt::format("'{}' is not {}", key, what)); }

} // namespace tinderbox::format
