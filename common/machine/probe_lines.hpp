// Results of the CUDA probe as rows for people: the same in the report and in doctor. Thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace tinderbox::machine {

// A row of a report: a state ("ok", "warning", "failed", …), a sentence about it, and advice.
struct ReportLine {
    std::string word, sentence, advice;
    std::string id;   // of a rule; "": the row has no rule
    std::string docs; // the page that explains it; "": no page does
};

// `probe`: to_json(ProbeResult); null gives no rows.
std::vector<ReportLine> probe_lines(const nlohmann::json& probe);

// "host to device 12.5 GB/s, …"
std::string bandwidth_text(const nlohmann::json& device);

} // namespace tinderbox::machine
