// Reading JSON that someone else wrote: metadata of packages, answers of child processes, reports. Never throws: what
// is missing or of another type is empty.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>

namespace tinderbox {

std::string text_field(const nlohmann::json& j, const char* key);
std::string text_of(const nlohmann::json& j, const char* key); // another type than a string: as JSON, to be shown
const nlohmann::json& child_of(const nlohmann::json& j, const char* key); // null when it is not there
std::uint64_t number_of(const nlohmann::json& j, const char* key);
double decimal_of(const nlohmann::json& j, const char* key);
bool flag_of(const nlohmann::json& j, const char* key);

} // namespace tinderbox
