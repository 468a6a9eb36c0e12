#include "runtime/verify/verify.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace tinderbox::verify {
namespace {

using Gpu = Verification::Gpu;
using Outcome = machine::GpuVerdict::Outcome;

void verify_gpu(const VerifyInputs& in, Verification& out) {
    switch (in.verdict.outcome) {
    case Outcome::not_needed:
        out.gpu = Gpu::not_needed;
        break;
    case Outcome::not_verified:
    case Outcome::refused:
        out.gpu = Gpu::not_verified;
        break;
    case Outcome::usable:
        out.gpu = Gpu::verified;
        break;
    }
    out.reason = in.verdict.reason;
    if (in.verdict.outcome != Outcome::usable) return;
    if (!in.probe_program) {
        out.reason = "this installer carries no CUDA probe; only the imports were tested";
        return;
    }
    auto program = in.probe_program();
    if (!program.ok()) {
        out.gpu = Gpu::not_verified;
        out.reason = program.error().message;
        return;
    }
    machine::ProbeRun run;
    if (in.gpu_memory) run.arguments = {"--memory", std::to_string(*in.gpu_memory)};
    out.probe = machine::run_probe_as_user(*program, in.manifest.requires_, run, in.user);
    if (out.probe->ok) return;
    out.gpu = Gpu::failed;
    out.reason = out.probe->problems.empty() ? "the CUDA probe failed" : out.probe->problems.front().sentence;
}

} // namespace

Verification verify_environment(const VerifyInputs& in) {
    const auto begin = std::chrono::steady_clock::now();
    Verification out;
    verify_gpu(in, out);
    ImportOptions options;
    options.prefix = in.prefix;
    options.expect_gpu = out.gpu == Gpu::verified;
    options.all_packages = in.all_packages;
    options.jobs = in.jobs;
    options.user = in.user;
    options.progress = in.progress;
    out.imports = check_imports(in.manifest, options);
    const bool framework =
        std::ranges::any_of(out.imports.checks, [](const ImportCheck& c) { return !c.device.empty(); });
    for (const ImportCheck& check : out.imports.checks) {
        if (check.ok) continue;
        if (!check.gpu_related) {
            if (!out.failure) out.failure = ErrorKind::script;
            continue;
        }
        if (out.gpu == Gpu::verified) {
            out.gpu = Gpu::failed;
            out.reason = check.sentence;
        }
    }
    // Neither a probe nor a framework has used the GPU.
    if (out.gpu == Gpu::verified && !out.probe && !framework) out.gpu = Gpu::not_verified;
    if (out.gpu == Gpu::failed && !in.no_gpu) out.failure = ErrorKind::gpu;
    out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return out;
}

std::string_view to_string(Gpu gpu) {
    switch (gpu) {
    case Gpu::verified:
        return "verified";
    case Gpu::failed:
        return "failed";
    case Gpu::not_verified:
        return "not verified";
    case Gpu::not_needed:
        return "not needed";
    }
    return "failed";
}

nlohmann::json to_json(const Verification& verification) {
    nlohmann::json checks = nlohmann::json::array();
    for (const ImportCheck& c : verification.imports.checks) checks.push_back(to_json(c));
    nlohmann::json out = {{"checks", std::move(checks)},
                          {"shell_reasons", verification.imports.shell_reasons},
                          {"peak_memory_bytes", verification.imports.peak_memory},
                          {"seconds", verification.seconds}};
    if (verification.probe) out["probe"] = machine::to_json(*verification.probe);
    return out;
}

} // namespace tinderbox::verify
