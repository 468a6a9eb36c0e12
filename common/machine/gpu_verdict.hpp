// The GPU verdict: design.md's table as one pure function, a test per row.
#pragma once

#include "common/format/manifest.hpp"
#include "common/machine/finding.hpp"
#include "common/machine/gpu_facts.hpp"

#include <functional>

namespace tinderbox {

struct GpuVerdict {
    enum class Outcome {
        not_needed,   // the environment has no CUDA
        not_verified, // no GPU to be seen from here: install, and say that nothing was verified
        usable,       // the probe and the frameworks decide
        refused,      // (with --no-gpu: the same outcome, its findings are warnings)
    };
    Outcome outcome = Outcome::not_needed;
    std::string reason; // one clause for "GPU: not verified (…)"; "" when usable
    std::vector<Finding> findings;
};
std::string_view to_string(GpuVerdict::Outcome outcome);

struct GpuJudgeOptions {
    bool no_gpu = false; // errors become warnings
    // Asks a child that opens libcuda for its API version (12020 = 12.2): only called when the driver is
    // below the floor and a cuda-compat package may make up for it. nullopt: no answer.
    std::function<std::optional<int>()> driver_api;
};

GpuVerdict judge_gpu(const GpuFacts& facts, const Requirements& needs, const GpuJudgeOptions& options = {});

// Whether device code named "sm_80", "sm_90a", "sm_100f" runs on compute capability `compute` (× 10).
bool sass_runs_on(std::string_view sass, int compute);
// Whether "compute_80" can be compiled for it.
bool ptx_runs_on(std::string_view ptx, int compute);

} // namespace tinderbox
