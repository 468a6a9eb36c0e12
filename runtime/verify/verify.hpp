// Verification: the CUDA probe, then the environment's own imports, and what the two mean together.
#pragma once

#include "common/machine/gpu_verdict.hpp"
#include "common/machine/probe.hpp"
#include "runtime/verify/imports.hpp"

#include <optional>

namespace tinderbox::verify {

struct Verification {
    enum class Gpu { verified, failed, not_verified, not_needed };
    Gpu gpu = Gpu::not_needed;
    std::string reason;                        // why not, one clause
    std::optional<machine::ProbeResult> probe; // nothing: not run
    std::vector<ImportCheck> checks;
    // gpu (6) or script (10); of both the GPU's, because it is the lower number. Nothing: all is well.
    std::optional<ErrorKind> failure;
    double seconds = 0;
};

struct VerifyInputs {
    const format::Manifest& manifest;
    const machine::GpuVerdict& verdict;
    std::string prefix;                      // of the environment
    std::map<std::string, std::string> user; // user_environment()
    bool no_gpu = false;                     // a failing GPU is a warning
    bool all_packages = false;               // -t
    unsigned jobs = 1;                       // of -t
    // The program for the environment's CUDA; empty = this installer carries none.
    std::function<Result<Bytes>()> probe_program;
    std::optional<int> gpu_memory; // percent of the free memory that the probe tests; nothing = its own default
};

Verification verify_environment(const VerifyInputs& inputs);

std::string_view to_string(Verification::Gpu gpu);
nlohmann::json to_json(const Verification& verification);

} // namespace tinderbox::verify
