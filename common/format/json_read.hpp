// Reading JSON of other programs: metadata of packages, answers of child processes, reports. Never throws: a field that
// is missing or has another type is empty, false or 0. The reader in json_fields.hpp reports such fields as errors.
// Thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>

namespace tinderbox::format {

std::string text_field(const nlohmann::json& j, const char* key);
std::string text_of(const nlohmann::json& j, const char* key); // another type than string: as JSON text, for messages
const nlohmann::json& child_of(const nlohmann::json& j, const char* key); // null when it is missing
std::uint64_t number_of(const nlohmann::json& j, const char* key);
// `otherwise` also for numbers that are no integers.
std::int64_t integer_of(const nlohmann::json& j, const char* key, std::int64_t otherwise);
double decimal_of(const nlohmann::json& j, const char* key);
bool flag_of(const nlohmann::json& j, const char* key);

} // namespace tinderbox::format
