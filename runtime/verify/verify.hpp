// Verification: the CUDA probe, then the environment's own imports, and one judgement of both.
#pragma once

#include "common/machine/gpu_verdict.hpp"
#include "common/machine/probe.hpp"
#include "runtime/verify/imports.hpp"

#include <optional>

namespace tinderbox::verify {

struct Verification {
    enum class Gpu { verified, failed, not_verified, not_needed };
    Gpu gpu = Gpu::not_needed;
    std::string reason;                        // why the GPU is not verified, one clause
    std::optional<machine::ProbeResult> probe; // nullopt: the probe was not run
    ImportChecks imports;
    // gpu (exit 6) or script (exit 10); gpu when both failed. nullopt: no failure.
    std::optional<ErrorKind> failure;
    double seconds = 0;
};

struct VerifyInputs {
    const format::Manifest& manifest;
    const machine::GpuVerdict& verdict;
    std::string prefix;                      // of the environment
    std::map<std::string, std::string> user; // user_environment()
    bool no_gpu = false;                     // a failing GPU is told, and is no failure
    bool all_packages = false;               // -t
    unsigned jobs = 1;                       // interpreters that run at the same time
    // Returns the probe for the environment's CUDA; empty = this installer carries no probe.
    std::function<Result<Bytes>()> probe_program;
    // ImportOptions::progress
    std::function<void(std::size_t done, std::size_t total, const std::string& name)> progress;
    std::optional<int> gpu_memory; // percent of the free memory that the probe tests; nullopt = the probe's default
};

Verification verify_environment(const VerifyInputs& inputs);

std::string_view to_string(Verification::Gpu gpu);
nlohmann::json to_json(const Verification& verification);

} // namespace tinderbox::verify
