// The report in its three forms. The JSON is the report (docs/inside/report.schema.json describes it). The terminal's
// table and the HTML page show parts of it and add no facts.
#pragma once

#include "common/base/result.hpp"
#include "common/base/terminal.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::ui {

inline constexpr int report_version = 1;

// Lines for the terminal, each ended by "\n". `colour`: with the terminal's styles. `width`: the longest line in
// columns; 0 = unlimited (a file, a pipe).
std::string render_report_text(const nlohmann::json& report, bool colour, std::size_t width = 0);
// Only the findings, as --check shows them: warnings and errors with what to do below each.
std::string render_findings_text(const nlohmann::json& findings, bool colour, std::size_t width = 0);

// One self-contained page: no script, no outside reference, light and dark, fit for printing.
std::string render_report_html(const nlohmann::json& report);

std::string html_escape(std::string_view text);

// A licence for a table: the first line, cut after 80 characters, since some packages hold the whole text there. "not
// stated" for none.
std::string licence_name(std::string_view license);

// A multi-line list "name  version  …" with columns as wide as they must be.
std::string render_columns(std::vector<std::vector<std::string>> rows);

// Rows "label  value": values wrap within `width` below their own column.
std::string render_facts(const std::vector<std::pair<std::string, std::string>>& rows, std::size_t width = 0);

} // namespace tinderbox::ui
