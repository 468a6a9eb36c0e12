#include "generator/advise/target.hpp"

#include "common/base/number.hpp"
#include "common/base/text.hpp"
#include "common/base/version_order.hpp"
#include "common/machine/gpu_table.hpp"

#include <algorithm>
#include <set>

namespace tinderbox::advise {
namespace {

// "8.6" and "sm_86" → 86; 0 for any other text.
int compute_of(std::string_view text) {
    const std::string lower = to_lower(text);
    std::string_view digits = lower;
    for (std::string_view prefix : {"sm_", "compute_", "sm", "cc"})
        if (digits.starts_with(prefix)) {
            digits.remove_prefix(prefix.size());
            break;
        }
    if (auto dot = digits.find('.'); dot != std::string_view::npos) {
        if (digits.size() != dot + 2) return 0;
        return compute_of(fmt::format("{}{}", digits.substr(0, dot), digits.substr(dot + 1)));
    }
    int value = 0;
    return parse_number(digits, value) && value >= 20 && value < 1000 ? value : 0;
}

} // namespace

Result<machine::GpuDevice> parse_target_gpu(std::string_view text) {
    machine::GpuDevice gpu;
    text = trim(text);
    if (const int compute = compute_of(text)) {
        if (std::ranges::find(machine::known_compute, compute) == std::end(machine::known_compute) &&
            !machine::generation_of(compute))
            return make_error(ErrorKind::usage,
                              "--target-gpu {}: no GPU of compute capability {} is known; known are {} to {}", text,
                              machine::compute_text(compute), machine::compute_text(machine::known_compute[0]),
                              machine::compute_text(machine::known_compute[std::size(machine::known_compute) - 1]));
        gpu.compute = compute;
        gpu.name = "a GPU";
        return gpu;
    }
    const auto models = machine::find_gpu_models(text);
    if (models.empty())
        return make_error(ErrorKind::usage,
                          "--target-gpu '{}': it is not in the table of GPUs; name its compute capability instead, for "
                          "instance 8.6 (NVIDIA lists them by GPU, nvidia-smi --query-gpu=compute_cap prints it)",
                          text);
    std::set<int> compute;
    std::set<std::string> names;
    for (const machine::GpuModel* model : models) {
        compute.insert(model->compute);
        names.emplace(model->name);
    }
    if (compute.size() > 1)
        return make_error(ErrorKind::usage,
                          "--target-gpu '{}' may be {}: write the whole name, or the compute capability", text,
                          fmt::join(names, ", "));
    gpu.compute = *compute.begin();
    gpu.name = names.size() == 1 ? *names.begin() : std::string(text);
    return gpu;
}

Result<std::string> parse_target_driver(std::string_view text) {
    text = trim(text);
    if (!machine::is_driver_version(text))
        return make_error(
            ErrorKind::usage,
            "--target-driver '{}': write a driver version, for instance 535 or 535.154.05 (nvidia-smi shows it)", text);
    return std::string(text);
}

Result<machine::GpuTarget> parse_target(const std::vector<std::string>& gpus, const std::string& driver) {
    machine::GpuTarget target;
    for (const std::string& text : gpus) {
        TRY_ASSIGN(machine::GpuDevice gpu, parse_target_gpu(text));
        target.gpus.push_back(std::move(gpu));
    }
    if (!driver.empty()) {
        TRY_ASSIGN(target.driver, parse_target_driver(driver));
    }
    return target;
}

std::string cuda_of_target(const machine::GpuTarget& target) {
    if (!target.driver.empty()) return machine::cuda_of_driver(machine::newest_of_branch(target.driver));
    int last = 0;
    for (const machine::GpuDevice& gpu : target.gpus)
        if (const machine::GpuGeneration* generation = machine::generation_of(gpu.compute);
            generation && generation->last_branch != 0)
            last = last == 0 ? generation->last_branch : std::min(last, generation->last_branch);
    return last == 0 ? "" : machine::cuda_of_driver(machine::newest_of_branch(std::to_string(last)));
}

Result<std::vector<machine::Finding>> refuse_errors(std::vector<machine::Finding> findings) {
    std::string sentences;
    for (const machine::Finding& f : findings)
        if (f.severity == machine::Severity::error)
            sentences += fmt::format("{}{}{}{}", sentences.empty() ? "" : "\n", f.sentence,
                                     f.advice.empty() ? "" : "; ", f.advice);
    if (!sentences.empty()) return make_error(ErrorKind::machine, "{}", sentences);
    return findings;
}

Result<std::vector<machine::Finding>> check_target(const machine::GpuTarget& target,
                                                   const format::Requirements& needs) {
    machine::GpuJudgeOptions options;
    options.override_advice.clear();
    return refuse_errors(machine::judge_gpu_target(target, needs, options).findings);
}

} // namespace tinderbox::advise
