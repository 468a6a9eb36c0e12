#include "runtime/ui/report_read.hpp"

#include "common/base/text.hpp"

#include <algorithm>

namespace tinderbox {

using nlohmann::json;

std::vector<ReportLine> finding_lines(const json& findings) {
    std::vector<ReportLine> out;
    if (findings.is_array())
        for (const json& f : findings)
            out.push_back({text_of(f, "severity"), text_of(f, "sentence"), text_of(f, "advice"), text_of(f, "id"),
                           text_of(f, "docs")});
    return out;
}

std::vector<ReportLine> installation_lines(const json& installation) {
    std::vector<ReportLine> out;
    if (!installation.is_object()) return out;
    std::string rate;
    if (double seconds = decimal_of(installation, "seconds"); seconds > 0)
        rate = fmt::format(" in {}", format_duration(seconds));
    out.push_back({"ok",
                   fmt::format("{} files, {}{}", number_of(installation, "files"),
                               format_bytes(number_of(installation, "bytes")), rate),
                   "", "", ""});
    const json& notes = child_of(installation, "notes");
    if (notes.is_array())
        for (const json& note : notes)
            if (note.is_string()) out.push_back({"note", note.get<std::string>(), "", "", ""});
    return out;
}

// What `conda init` did to the start-up files.
std::vector<ReportLine> shell_lines(const json& shells) {
    std::vector<ReportLine> out;
    if (!shells.is_array()) return out;
    for (const json& shell : shells) {
        const std::string outcome = text_of(shell, "outcome"), words = text_of(shell, "words"),
                          backup = text_of(shell, "backup");
        std::string sentence = text_of(shell, "file");
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

std::vector<ReportLine> check_lines(const json& checks) {
    std::vector<ReportLine> out;
    if (checks.is_array())
        for (const json& c : checks)
            out.push_back({flag_of(c, "ok") ? (text_of(c, "advice").empty() ? "ok" : "warning") : "failed",
                           text_of(c, "sentence"), text_of(c, "advice"), "", ""});
    return out;
}

std::vector<ReportLine> gpu_lines(const json& report) {
    const json& gpu = child_of(report, "gpu");
    if (!gpu.is_object()) return {};
    const std::string state = text_of(gpu, "state"), reason = text_of(gpu, "reason");
    return {{state == "verified" ? "ok" : state, fmt::format("GPU: {}{}{}", state, reason.empty() ? "" : ": ", reason),
             "", "", ""}};
}

} // namespace tinderbox
