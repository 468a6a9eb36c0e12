// The stages of a run in JSON, the same in every report: [{"name": …, "seconds": …}, …], in their order.
#pragma once

#include "common/base/stopwatch.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox::format {

inline nlohmann::json stages_to_json(const StageTimes& times) {
    nlohmann::json out = nlohmann::json::array();
    for (const auto& [stage, seconds] : times) out.push_back({{"name", stage}, {"seconds", seconds}});
    return out;
}

} // namespace tinderbox::format
