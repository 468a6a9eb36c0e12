// Reading a report's JSON for showing it. Never throws: what is missing or of another type is empty.
#pragma once

#include "runtime/ui/report.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox {

std::string text_of(const nlohmann::json& j, const char* key);
const nlohmann::json& child_of(const nlohmann::json& j, const char* key); // null when it is not there
std::uint64_t number_of(const nlohmann::json& j, const char* key);
double decimal_of(const nlohmann::json& j, const char* key);
bool flag_of(const nlohmann::json& j, const char* key);

// A row of the report: a word ("ok", "warning", "failed", …), what is so, what to do.
struct ReportLine {
    std::string word, sentence, advice;
    std::string id;   // of a rule, "" = none
    std::string docs; // where it is explained, "" = nowhere
};
std::vector<ReportLine> finding_lines(const nlohmann::json& findings);
std::vector<ReportLine> installation_lines(const nlohmann::json& installation);
std::vector<ReportLine> shell_lines(const nlohmann::json& shells);
std::vector<ReportLine> probe_lines(const nlohmann::json& probe);
std::vector<ReportLine> check_lines(const nlohmann::json& checks);
// The last line: "GPU: verified".
std::vector<ReportLine> gpu_lines(const nlohmann::json& report);

// "host to device 12.5 GB/s, …"
std::string bandwidth_words(const nlohmann::json& device);

} // namespace tinderbox
