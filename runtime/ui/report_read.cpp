#include "runtime/ui/report_read.hpp"

#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/base/wrap.hpp"

#include <algorithm>

namespace tinderbox::ui {

using nlohmann::json;

std::vector<machine::ReportLine> finding_lines(const json& findings) {
    std::vector<machine::ReportLine> out;
    if (findings.is_array())
        for (const json& f : findings)
            out.push_back({format::text_of(f, "severity"), format::text_of(f, "sentence"), format::text_of(f, "advice"),
                           format::text_of(f, "id"), format::text_of(f, "docs")});
    return out;
}

std::vector<machine::ReportLine> installation_lines(const json& installation) {
    std::vector<machine::ReportLine> out;
    if (!installation.is_object()) return out;
    std::string rate;
    if (double seconds = format::decimal_of(installation, "seconds"); seconds > 0)
        rate = fmt::format(" in {}", format_duration(seconds));
    out.push_back({"ok",
                   fmt::format("{}, {}{}", counted(format::number_of(installation, "files"), "file"),
                               format_bytes(format::number_of(installation, "bytes")), rate),
                   "", "", ""});
    const json& notes = format::child_of(installation, "notes");
    const std::string failure = format::text_of(installation, "script_failure");
    if (notes.is_array())
        for (const json& note : notes)
            if (note.is_string())
                out.push_back(
                    {!failure.empty() && note == failure ? "failed" : "note", note.get<std::string>(), "", "", ""});
    return out;
}

// The changes that `conda init` made to start-up files.
std::vector<machine::ReportLine> shell_lines(const json& shells) {
    std::vector<machine::ReportLine> out;
    if (!shells.is_array()) return out;
    for (const json& shell : shells) {
        const std::string outcome = format::text_of(shell, "outcome"), words = format::text_of(shell, "words"),
                          backup = format::text_of(shell, "backup");
        std::string sentence = format::text_of(shell, "file");
        if (outcome == "modified")
            sentence += fmt::format(": conda initialized{}", backup.empty() ? "" : "; as it was: " + backup);
        else if (outcome == "unchanged") sentence += ": nothing to change";
        if (!words.empty()) sentence += ": " + words;
        out.push_back({outcome == "failed" || (outcome == "unchanged" && !words.empty()) ? "warning"
                       : outcome == "modified"                                           ? "ok"
                                                                                         : "note",
                       sentence, "", "", ""});
    }
    return out;
}

std::vector<machine::ReportLine> check_lines(const json& checks) {
    std::vector<machine::ReportLine> out;
    if (checks.is_array())
        for (const json& c : checks)
            out.push_back(
                {format::flag_of(c, "ok") ? (format::text_of(c, "advice").empty() ? "ok" : "warning") : "failed",
                 format::text_of(c, "sentence"), format::text_of(c, "advice"), "", ""});
    return out;
}

std::vector<machine::ReportLine> next_lines(const json& report) {
    std::vector<machine::ReportLine> out;
    auto add = [&](std::string_view label, const std::string& words) {
        if (!words.empty()) out.push_back({std::string(label), words, "", "", ""});
    };
    constexpr std::size_t shown = 10; // a construct.yaml may list hundreds
    if (const json& included = format::child_of(report, "included"); included.is_array()) {
        for (std::size_t i = 0; i < included.size() && i < shown; ++i)
            if (included[i].is_string()) add("included", included[i].get<std::string>());
        if (included.size() > shown) add("included", fmt::format("and {} more", included.size() - shown));
    }
    add("activate", format::text_of(report, "activate"));
    add("in new shells", format::text_of(report, "activate_with_conda"));
    add("start", format::text_of(report, "start"));
    return out;
}

Verdict verdict_of(const json& report) {
    const std::string mode = format::text_of(report, "mode");
    if (format::number_of(report, "exit_code") != 0) {
        const bool refused =
            mode == "check" || (mode == "install" && !format::child_of(report, "installation").is_object());
        return {refused ? "Refused" : "Failed", "bad"};
    }
    const std::string gpu = format::text_of(format::child_of(report, "gpu"), "state");
    const json& found = format::child_of(format::child_of(report, "preflight"), "gpu");
    // --check runs nothing: a GPU that preflight judges usable is all that it can find.
    const bool judged = mode == "check" && format::text_of(found, "verdict") == "usable";
    if (gpu == "failed") return {"GPU failed", "warn"}; // --no-gpu forgave it
    if (gpu == "refused") return {"GPU refused", "warn"};
    if (!judged && gpu == "not verified") return {"Unverified", "warn"};
    if (mode == "check") return {"Ready", "good"};
    return {mode == "extract" ? "Extracted" : "Works", "good"};
}

std::string licence_name(std::string_view license) {
    constexpr std::size_t longest = 80;
    std::string_view line = trim(license);
    line = trim(line.substr(0, line.find('\n')));
    if (line.empty()) return "not stated";
    return cut_to_width(line, longest);
}

std::vector<machine::ReportLine> gpu_report_lines(const json& report) {
    const json& gpu = format::child_of(report, "gpu");
    if (!gpu.is_object()) return {};
    const std::string state = format::text_of(gpu, "state"), reason = format::text_of(gpu, "reason");
    if (reason.empty()) return {}; // the headline has the state
    const json& verification = format::child_of(report, "verification");
    for (const auto& lines : {finding_lines(format::child_of(format::child_of(report, "preflight"), "findings")),
                              machine::probe_lines(format::child_of(verification, "probe")),
                              check_lines(format::child_of(verification, "checks"))})
        for (const machine::ReportLine& line : lines)
            if (line.sentence.find(reason) != std::string::npos) return {};
    return {{state == "verified" ? "ok" : state, fmt::format("GPU: {}: {}", state, reason), "", "", ""}};
}

} // namespace tinderbox::ui
