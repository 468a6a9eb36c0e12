// The GPU verdict: the table of docs/inside/gpu.md as one pure function, a test per row. It decides which rows of
// gpu_rules.hpp apply.
#pragma once

#include "common/format/manifest.hpp"
#include "common/machine/distribution.hpp"
#include "common/machine/finding.hpp"
#include "common/machine/gpu_code.hpp"
#include "common/machine/gpu_facts.hpp"

#include <functional>

namespace tinderbox::machine {

// The three numbers of "driver API ≥ runtime ≥ GPU", as far as they are known.
struct GpuNumbers {
    std::string driver, driver_cuda;   // "550.54.14", "12.4"
    std::string runtime, driver_floor; // "12.8", "525.60.13"
    struct Gpu {
        std::string name;
        int compute = 0; // compute capability × 10, 0 = unknown
        CodeFor code;    // code.name "" = none, or not judged
    };
    std::vector<Gpu> gpus;
};

struct GpuVerdict {
    enum class Outcome {
        not_needed,   // the environment has no CUDA and no code for GPUs
        not_verified, // no GPU is visible here: install, and report that the GPU was not verified
        usable,       // the probe and the frameworks decide
        refused,      // (with --no-gpu: the same outcome, its findings are warnings)
    };
    Outcome outcome = Outcome::not_needed;
    std::string reason; // one clause for "GPU: not verified (…)"; "" when usable
    std::vector<Finding> findings;
    GpuNumbers numbers;
};
std::string_view to_string(GpuVerdict::Outcome outcome);

struct GpuJudgeOptions {
    bool no_gpu = false; // errors become warnings
    // Asks a child that opens libcuda for its API version (12020 = 12.2): only called when the driver is
    // below the floor and a cuda-compat package may make up for it. nullopt: no answer.
    std::function<std::optional<int>()> driver_api;
    Distribution distribution;                                      // for advice that can be typed in
    std::string machine = "x86_64";                                 // for the name of the driver's file
    std::string override_advice = "--no-gpu installs all the same"; // ends the advice of an error; "" = there is none
};

GpuVerdict judge_gpu(const GpuFacts& facts, const format::Requirements& needs, const GpuJudgeOptions& options = {});

// A described machine: build's --target-gpu and --target-driver. Only rules about GPU and driver are judged. An empty
// driver counts as new enough.
struct GpuTarget {
    std::vector<GpuDevice> gpus; // name and compute
    std::string driver;
};
GpuVerdict judge_gpu_target(const GpuTarget& target, const format::Requirements& needs,
                            const GpuJudgeOptions& options = {});

// The API version (12020 = 12.2) of a cuda-compat library by its name, for a machine whose libcuda cannot be asked:
// GpuJudgeOptions::driver_api. nullopt: there is no such library, or its name has no version.
std::optional<int> api_of_compat_library(const GpuFacts& facts);

nlohmann::json to_json(const GpuNumbers& numbers);

} // namespace tinderbox::machine
