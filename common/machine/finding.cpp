#include "common/machine/finding.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox::machine {

std::string_view to_string(Severity severity) {
    switch (severity) {
    case Severity::ok:
        return "ok";
    case Severity::note:
        return "note";
    case Severity::warning:
        return "warning";
    case Severity::error:
        return "error";
    }
    return "error";
}

std::optional<ErrorKind> failure_of(const std::vector<Finding>& findings) {
    std::optional<ErrorKind> lowest;
    for (const Finding& f : findings)
        if (f.severity == Severity::error && (!lowest || f.kind < *lowest)) lowest = f.kind;
    return lowest;
}

nlohmann::json to_json(const Finding& finding) {
    nlohmann::json out = {{"id", finding.id},
                          {"severity", to_string(finding.severity)},
                          {"sentence", finding.sentence},
                          {"advice", finding.advice}};
    if (!finding.docs.empty()) out["docs"] = finding.docs;
    if (finding.severity == Severity::error) out["exit_code"] = static_cast<int>(finding.kind);
    return out;
}

nlohmann::json to_json(const std::vector<Finding>& findings) {
    nlohmann::json out = nlohmann::json::array();
    for (const Finding& f : findings) out.push_back(to_json(f));
    return out;
}

} // namespace tinderbox::machine
