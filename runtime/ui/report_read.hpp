// Turns parts of a report's JSON into rows to show.
#pragma once

#include "common/format/json_read.hpp"
#include "common/machine/probe_lines.hpp"
#include "runtime/ui/report.hpp"

#include <nlohmann/json.hpp>

#include <vector>

namespace tinderbox::ui {

std::vector<machine::ReportLine> finding_lines(const nlohmann::json& findings);
std::vector<machine::ReportLine> installation_lines(const nlohmann::json& installation);
std::vector<machine::ReportLine> shell_lines(const nlohmann::json& shells);
std::vector<machine::ReportLine> check_lines(const nlohmann::json& checks);
// The steps after an installation: "activate", "start", "included".
std::vector<machine::ReportLine> next_lines(const nlohmann::json& report);
// The last line: "GPU: verified".
std::vector<machine::ReportLine> gpu_report_lines(const nlohmann::json& report);

// The report in one word. `css` is "good", "warn" or "bad". It follows exit code and GPU, as the headline does.
struct Verdict {
    std::string_view word, css;
};
Verdict verdict_of(const nlohmann::json& report);

} // namespace tinderbox::ui
