#include "common/format/json_read.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox::format {

using nlohmann::json;

std::string text_field(const json& j, const char* key) {
    const json& value = child_of(j, key);
    return value.is_string() ? value.get<std::string>() : std::string();
}
std::string_view text_view(const json& j, const char* key) {
    const json& value = child_of(j, key);
    return value.is_string() ? std::string_view(value.get_ref<const std::string&>()) : std::string_view();
}
std::string text_of(const json& j, const char* key) {
    const json& value = child_of(j, key);
    return value.is_null() ? std::string() : value.is_string() ? value.get<std::string>() : value.dump();
}
const json& child_of(const json& j, const char* key) {
    static const json nothing = nullptr;
    if (!j.is_object()) return nothing;
    auto found = j.find(key);
    return found == j.end() ? nothing : *found;
}
std::uint64_t number_of(const json& j, const char* key) {
    const json& value = child_of(j, key);
    if (value.is_number_unsigned()) return value.get<std::uint64_t>();
    if (value.is_number_integer())
        return static_cast<std::uint64_t>(std::max<std::int64_t>(0, value.get<std::int64_t>()));
    // A real number that does not fit must not be converted.
    const double real = value.is_number_float() ? value.get<double>() : 0;
    return real >= 0 && real < 0x1p63 ? static_cast<std::uint64_t>(real) : 0;
}
std::int64_t integer_of(const json& j, const char* key, std::int64_t otherwise) {
    const json& value = child_of(j, key);
    return value.is_number_integer() ? value.get<std::int64_t>() : otherwise;
}
double decimal_of(const json& j, const char* key) {
    const json& value = child_of(j, key);
    return value.is_number() ? value.get<double>() : 0;
}
bool flag_of(const json& j, const char* key) {
    const json& value = child_of(j, key);
    return value.is_boolean() && value.get<bool>();
}

} // namespace tinderbox::format
