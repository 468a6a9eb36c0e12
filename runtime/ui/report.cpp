#include "runtime/ui/report.hpp"

#include "common/base/text.hpp"
#include "common/base/visible.hpp"
#include "common/base/wrap.hpp"
#include "runtime/ui/report_read.hpp"

#include <algorithm>

namespace tinderbox::ui {
namespace {

using nlohmann::json;

std::string paint(Style style, std::string_view words, bool colour) {
    static constexpr const char* codes[] = {"", "1", "2", "32", "33", "31"};
    if (!colour || style == Style::plain) return std::string(words);
    return fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<int>(style)], words);
}

Style style_of(std::string_view severity) {
    if (severity == "ok" || severity == "verified") return Style::green;
    if (severity == "warning" || severity == "not verified") return Style::yellow;
    if (severity == "error" || severity == "failed" || severity == "refused") return Style::red;
    return Style::dim;
}

constexpr std::size_t word_column = 2 + 12 + 1;

// One row: a word in a column of its own, then the sentence; below it the advice after an arrow.
std::string row(const machine::ReportLine& line, bool colour, std::size_t width) {
    std::string out =
        fmt::format("  {} {}\n", paint(style_of(line.word), fmt::format("{:<12}", visible(line.word)), colour),
                    wrapped(visible_lines(line.sentence), word_column, width));
    if (!line.advice.empty())
        out += fmt::format("  {:<12} → {}\n", "", wrapped(visible_lines(line.advice), word_column + 2, width));
    return out;
}

std::string heading(std::string_view title, bool colour) { return "\n" + paint(Style::bold, title, colour) + "\n"; }

std::string lines_text(const std::vector<machine::ReportLine>& lines, bool colour, std::size_t width) {
    std::string out;
    for (const machine::ReportLine& line : lines) out += row(line, colour, width);
    return out;
}

} // namespace

std::string render_columns(std::vector<std::vector<std::string>> rows) {
    std::vector<std::size_t> widths;
    for (auto& cells : rows)
        for (std::size_t i = 0; i < cells.size(); ++i) {
            if (i >= widths.size()) widths.push_back(0);
            cells[i] = visible(cells[i]); // a line end would forge a row
            widths[i] = std::max(widths[i], cells[i].size());
        }
    std::string out;
    for (const auto& cells : rows) {
        std::string line;
        for (std::size_t i = 0; i < cells.size(); ++i) line += fmt::format("{:<{}}  ", cells[i], widths[i]);
        while (line.ends_with(' ')) line.pop_back();
        out += line + "\n";
    }
    return out;
}

std::string render_facts(const std::vector<std::pair<std::string, std::string>>& rows, std::size_t width) {
    std::size_t label = 0;
    for (const auto& [name, value] : rows) label = std::max(label, display_width(visible(name)));
    std::string out;
    for (const auto& [name, value] : rows) {
        std::string line = fmt::format("{:<{}}  {}", visible(name), label, wrapped(visible(value), label + 2, width));
        while (line.ends_with(' ')) line.pop_back();
        out += line + "\n";
    }
    return out;
}

std::string render_findings_text(const json& findings, bool colour, std::size_t width) {
    return lines_text(finding_lines(findings), colour, width);
}

std::string render_report_text(const json& report, bool colour, std::size_t width) {
    std::string out =
        paint(
            Style::bold,
            wrapped(visible(fmt::format("{}: {}", format::text_of(report, "name"), format::text_of(report, "summary"))),
                    0, width),
            colour) +
        "\n";
    auto section = [&](std::string_view title, const std::vector<machine::ReportLine>& lines) {
        if (!lines.empty()) out += heading(title, colour) + lines_text(lines, colour, width);
    };
    section("Machine", finding_lines(format::child_of(format::child_of(report, "preflight"), "findings")));
    section("Installation", installation_lines(format::child_of(report, "installation")));
    section("Shells", shell_lines(format::child_of(report, "shells")));
    const json& verification = format::child_of(report, "verification");
    std::vector<machine::ReportLine> verified = machine::probe_lines(format::child_of(verification, "probe"));
    for (auto lines : {check_lines(format::child_of(verification, "checks")), gpu_report_lines(report)})
        verified.insert(verified.end(), lines.begin(), lines.end());
    section(verification.is_object() ? "Verification" : "GPU", verified);
    // Without breaks, so that each command can be copied.
    if (const auto next = next_lines(report); !next.empty())
        out += heading("Next", colour) + lines_text(next, colour, 0);
    return out;
}

} // namespace tinderbox::ui
