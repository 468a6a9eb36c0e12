#include "runtime/preflight/preflight.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <iterator>

namespace tinderbox {

Preflight run_preflight(const Manifest& manifest, const SystemRoot& root, const PreflightOptions& options) {
    const auto begin = std::chrono::steady_clock::now();
    const auto environment = user_environment();
    Preflight out;
    out.machine = read_machine_facts(root, manifest.requires_, environment);
    out.target = read_target_facts(options.prefix);
    out.gpu = read_gpu_facts(root, environment);
    TargetNeeds needs = options.target;
    if (needs.install.inodes == 0) needs.install = manifest.install;
    GpuJudgeOptions judge;
    judge.no_gpu = options.no_gpu;
    judge.driver_api = options.driver_api;
    judge.distribution = read_distribution(root, out.gpu.kernel_release);
    judge.machine = manifest.platform == "linux-aarch64" ? "aarch64" : "x86_64";
    out.verdict = judge_gpu(out.gpu, manifest.requires_, judge);
    for (auto findings : {judge_machine(out.machine, manifest), judge_target(out.target, needs), out.verdict.findings})
        std::move(findings.begin(), findings.end(), std::back_inserter(out.findings));
    out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return out;
}

nlohmann::json to_json(const Preflight& preflight) {
    nlohmann::json gpu = to_json(preflight.gpu);
    gpu["verdict"] = to_string(preflight.verdict.outcome);
    gpu["reason"] = preflight.verdict.reason;
    gpu["numbers"] = to_json(preflight.verdict.numbers);
    return {{"machine", to_json(preflight.machine)},
            {"target", to_json(preflight.target)},
            {"gpu", std::move(gpu)},
            {"findings", to_json(preflight.findings)},
            {"seconds", preflight.seconds}};
}

} // namespace tinderbox
