// Reading JSON of other programs: metadata of packages, answers of child processes, reports. Never throws: a field that
// is missing or has another type is empty, false or 0. The reader in json_fields.hpp reports such fields as errors.
// Thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace tinderbox::format {

std::string text_field(const nlohmann::json& j, const char* key);
std::string_view text_view(const nlohmann::json& j, const char* key); // the same, inside `j`
std::string text_of(const nlohmann::json& j, const char* key); // another type than a string: as JSON, to be shown
const nlohmann::json& child_of(const nlohmann::json& j, const char* key); // null when it is not there
std::uint64_t number_of(const nlohmann::json& j, const char* key);        // 0 also for a negative number
// `otherwise` also for numbers that are no integers.
std::int64_t integer_of(const nlohmann::json& j, const char* key, std::int64_t otherwise);
double decimal_of(const nlohmann::json& j, const char* key);
bool flag_of(const nlohmann::json& j, const char* key);

} // namespace tinderbox::format
