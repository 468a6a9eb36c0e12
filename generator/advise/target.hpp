// build's --target-gpu and --target-driver: whether what is built will run there, before it is carried there.
#pragma once

#include "common/machine/gpu_verdict.hpp"

#include <string>
#include <vector>

namespace tinderbox {

// "RTX 3060", "8.6", "sm_86", "86" → a GPU. Error (kind usage): unknown, or a name of several GPUs that differ.
Result<GpuDevice> parse_target_gpu(std::string_view text);
// "470", "470.42.01": a branch alone means its newest driver. Error (kind usage) otherwise.
Result<std::string> parse_target_driver(std::string_view text);

Result<GpuTarget> parse_target(const std::vector<std::string>& gpus, const std::string& driver);

// What its driver says of CUDA ("12.2", the __cuda of conda). Of a target whose driver is not named: the newest that
// there can be, as support of an older GPU ended with a branch. "": not limited.
std::string cuda_of_target(const GpuTarget& target);

// Error (kind machine): the sentences of what does not fit. Else the notes and warnings.
Result<std::vector<Finding>> check_target(const GpuTarget& target, const Requirements& needs);

} // namespace tinderbox
