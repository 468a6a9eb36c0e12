// Preflight: every check that is possible before a byte is written, with all findings at once. It only reads, and calls
// share no state, so they may run at the same time.
#pragma once

#include "common/machine/gpu_verdict.hpp"
#include "common/machine/machine.hpp"
#include "runtime/preflight/target.hpp"

namespace tinderbox::preflight {

struct PreflightOptions {
    place::Decision place;
    bool no_gpu = false;
    bool installed = false; // the environment is there already: room and permissions are not judged
    NamesCollide names_collide;
    std::function<std::optional<int>()> driver_api; // see GpuJudgeOptions
};

struct Preflight {
    machine::MachineFacts machine;
    place::Found found = place::Found::absent; // at the place
    TargetFacts target;
    machine::GpuFacts gpu;
    machine::GpuVerdict verdict;
    std::vector<machine::Finding> findings; // of machine, place and GPU, in this order
    double seconds = 0;
};

Preflight run_preflight(const format::Manifest& manifest, const machine::SystemRoot& root,
                        const PreflightOptions& options);

nlohmann::json to_json(const Preflight& preflight);

} // namespace tinderbox::preflight
