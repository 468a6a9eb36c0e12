#include "runtime/ui/report_read.hpp"

#include "common/base/text.hpp"
#include "common/base/units.hpp"

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
                   fmt::format("{} files, {}{}", format::number_of(installation, "files"),
                               format_bytes(format::number_of(installation, "bytes")), rate),
                   "", "", ""});
    const json& notes = format::child_of(installation, "notes");
    if (notes.is_array())
        for (const json& note : notes)
            if (note.is_string()) out.push_back({"note", note.get<std::string>(), "", "", ""});
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
