// --target-gpu and --target-driver: judges the environment for a target machine before it is carried there.
#pragma once

#include "common/machine/gpu_verdict.hpp"

#include <string>
#include <vector>

namespace tinderbox::advise {

// "RTX 3060", "8.6", "sm_86", "86" → a GPU. Error (kind usage): unknown, or a name of several GPUs that differ.
Result<machine::GpuDevice> parse_target_gpu(std::string_view text);
// "470", "470.42.01": a branch alone means its newest driver. Error (kind usage) otherwise.
Result<std::string> parse_target_driver(std::string_view text);

Result<machine::GpuTarget> parse_target(const std::vector<std::string>& gpus, const std::string& driver);

// The newest CUDA that the target's driver runs: "12.2", conda's __cuda. Without a named driver the GPUs limit it,
// because support of an older GPU ended with a driver branch. "": not limited.
std::string cuda_of_target(const machine::GpuTarget& target);

// Error (kind machine): the sentences and advice of all errors among the findings, a line each. Else the findings.
Result<std::vector<machine::Finding>> refuse_errors(std::vector<machine::Finding> findings);

// Error (kind machine): a sentence for each need that the target does not meet. Else the notes and warnings.
Result<std::vector<machine::Finding>> check_target(const machine::GpuTarget& target, const format::Requirements& needs);

} // namespace tinderbox::advise
