#include "common/format/json_fields.hpp"

#include <algorithm>

namespace tinderbox::format {

using nlohmann::json;

JsonFields::JsonFields(const json& object, std::string where, std::string remedy, ErrorKind kind)
    : object_(object), where_(std::move(where)), remedy_(std::move(remedy)), kind_(kind) {
    if (!object_.is_object()) fail("it is not an object");
}

void JsonFields::text(const char* key, std::string& out, bool required) {
    const json* found = value(key, required);
    if (!found) return;
    if (found->is_string()) out = found->get<std::string>();
    else wrong(key, "a string");
}

void JsonFields::texts(const char* key, std::vector<std::string>& out) {
    const json* found = value(key);
    if (!found) return;
    const bool good =
        found->is_array() && std::all_of(found->begin(), found->end(), [](const json& one) { return one.is_string(); });
    if (good) out = found->get<std::vector<std::string>>();
    else wrong(key, "a list of strings");
}

void JsonFields::flag(const char* key, bool& out) {
    const json* found = value(key);
    if (!found) return;
    if (found->is_boolean()) out = found->get<bool>();
    else wrong(key, "true or false");
}

void JsonFields::text_map(const char* key, const char* what, std::map<std::string, std::string>& to) {
    const json* found = value(key);
    if (!found) return;
    if (!found->is_object()) return wrong(key, "an object");
    for (const auto& [name, one] : found->items()) {
        if (one.is_string()) to[name] = one.get<std::string>();
        else fail(fmt::format("the {} '{}' is not a string", what, name));
    }
}

void JsonFields::fail(std::string text) {
    if (!error_) error_ = make_error(kind_, "{}: {}; {}", where_, text, remedy_);
}

const json* JsonFields::value(const char* key, bool required) {
    if (auto found = object_.find(key); found != object_.end() && !found->is_null()) return &*found;
    if (required) fail(fmt::format("it lacks '{}'", key));
    return nullptr;
}

void JsonFields::keep(const Status& inner) {
    if (!error_ && !inner.ok()) error_ = inner.error();
}

void JsonFields::wrong(const char* key, const char* what) { fail(fmt::format("'{}' is not {}", key, what)); }

} // namespace tinderbox::format
