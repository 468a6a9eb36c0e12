// Preflight: everything that can be known before a byte is written, all findings at once.
#pragma once

#include "common/machine/gpu_verdict.hpp"
#include "common/machine/machine.hpp"
#include "runtime/preflight/target.hpp"

namespace tinderbox {

struct PreflightOptions {
    std::string prefix; // resolved (resolve_prefix)
    bool no_gpu = false;
    TargetNeeds target;                             // `install` is the manifest's when it has no inodes
    std::function<std::optional<int>()> driver_api; // see GpuJudgeOptions
};

struct Preflight {
    MachineFacts machine;
    TargetFacts target;
    GpuFacts gpu;
    GpuVerdict verdict;
    std::vector<Finding> findings; // of all three, in this order
    double seconds = 0;
};

Preflight run_preflight(const Manifest& manifest, const SystemRoot& root, const PreflightOptions& options);

nlohmann::json to_json(const Preflight& preflight);

} // namespace tinderbox
