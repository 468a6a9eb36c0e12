// What the CUDA probe found as rows for a person: the same in the report and in doctor.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace tinderbox {

// A row of a report: a word ("ok", "warning", "failed", …), what is so, what to do.
struct ReportLine {
    std::string word, sentence, advice;
    std::string id;   // of a rule, "" = none
    std::string docs; // where it is explained, "" = nowhere
};

// `probe`: to_json(ProbeResult); null gives no rows.
std::vector<ReportLine> probe_lines(const nlohmann::json& probe);

// "host to device 12.5 GB/s, …"
std::string bandwidth_words(const nlohmann::json& device);

} // namespace tinderbox
