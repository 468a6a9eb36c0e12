#include "runtime/preflight/preflight.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>

namespace tinderbox::preflight {

Preflight run_preflight(const format::Manifest& manifest, const machine::SystemRoot& root,
                        const PreflightOptions& options) {
    const auto begin = std::chrono::steady_clock::now();
    const auto environment = machine::user_environment();
    Preflight out;
    out.machine = machine::read_machine_facts(root, manifest.requires_, environment);
    out.found = options.place.found;
    out.target = read_target_facts(options.place);
    out.gpu = machine::read_gpu_facts(root, environment);
    machine::GpuJudgeOptions judge;
    judge.no_gpu = options.no_gpu;
    judge.driver_api = options.driver_api;
    judge.distribution = machine::read_distribution(root, out.gpu.kernel_release);
    judge.machine = manifest.platform == "linux-aarch64" ? "aarch64" : "x86_64";
    out.verdict = machine::judge_gpu(out.gpu, manifest.requires_, judge);
    auto add = [&](std::vector<machine::Finding> findings) {
        std::ranges::move(findings, std::back_inserter(out.findings));
    };
    add(machine::judge_machine(out.machine, manifest));
    if (!options.installed) add(judge_target(out.target, options.place, manifest, options.names_collide));
    else if (options.place.moved_from) out.findings.push_back(finding_of(*options.place.refusal));
    add(out.verdict.findings);
    out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return out;
}

nlohmann::json to_json(const Preflight& preflight) {
    nlohmann::json gpu = machine::to_json(preflight.gpu);
    gpu["verdict"] = machine::to_string(preflight.verdict.outcome);
    gpu["reason"] = preflight.verdict.reason;
    gpu["numbers"] = machine::to_json(preflight.verdict.numbers);
    return {{"machine", machine::to_json(preflight.machine)},
            {"target", to_json(preflight.target, preflight.found)},
            {"gpu", std::move(gpu)},
            {"findings", machine::to_json(preflight.findings)},
            {"seconds", preflight.seconds}};
}

} // namespace tinderbox::preflight
