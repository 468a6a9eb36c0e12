// tinderbox doctor [FILE]: what this machine has (or the one whose /proc and /sys lie under TINDERBOX_SYSROOT), and
// whether FILE, a .run, would run on it. The same facts and the same rules as the .run's own preflight; CUDA is not opened.
#include "common/base/terminal.hpp"
#include "common/base/text.hpp"
#include "common/format/run_file.hpp"
#include "common/machine/gpu_table.hpp"
#include "common/machine/gpu_verdict.hpp"
#include "common/machine/machine.hpp"
#include "generator/commands/command.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>

namespace tinderbox {

using nlohmann::json;

namespace {

struct Diagnosis {
    MachineFacts machine;
    Distribution distribution;
    GpuFacts gpu;
    GpuVerdict verdict;
    std::vector<Finding> findings;
};

// Without a FILE the question is whether the driver works at all, which any CUDA can be asked for: the newest that this
// driver runs.
Manifest any_environment(const GpuFacts& gpu) {
    Manifest m;
    m.platform = sizeof(void*) == 8 ? "linux-64" : "";
    const std::string cuda = cuda_of_driver(gpu.module_version);
    m.requires_.cuda_runtime = cuda.empty() ? "12.0" : cuda;
    m.requires_.cuda_major = std::atoi(m.requires_.cuda_runtime.c_str());
    return m;
}

// A cuda-compat library says its driver version in its name; the .run's own check opens it and asks.
std::optional<int> api_of_compat(const GpuFacts& gpu) {
    if (!gpu.libcuda_compat) return std::nullopt;
    const std::string cuda = cuda_of_driver(gpu.libcuda_version);
    auto parts = split(cuda, '.');
    if (parts.size() != 2) return std::nullopt;
    return std::atoi(std::string(parts[0]).c_str()) * 1000 + std::atoi(std::string(parts[1]).c_str()) * 10;
}

Diagnosis diagnose(const std::optional<Manifest>& file) {
    const SystemRoot root = SystemRoot::from_environment();
    const auto environment = user_environment();
    Diagnosis out;
    out.gpu = read_gpu_facts(root, environment);
    out.distribution = read_distribution(root, out.gpu.kernel_release);
    const Manifest manifest = file ? *file : any_environment(out.gpu);
    out.machine = read_machine_facts(root, manifest.requires_, environment);
    GpuJudgeOptions options;
    options.distribution = out.distribution;
    options.machine = out.machine.processor.empty() ? "x86_64" : out.machine.processor;
    options.driver_api = [&] { return api_of_compat(out.gpu); };
    options.way_out.clear();
    out.verdict = judge_gpu(out.gpu, manifest.requires_, options);
    if (file) out.findings = judge_machine(out.machine, *file);
    std::ranges::copy_if(out.verdict.findings, std::back_inserter(out.findings),
                         [&](const Finding& f) { return file || f.severity != Severity::ok; });
    return out;
}

std::string words_of(const GpuDevice& gpu) {
    std::string out = gpu.name.empty() ? fmt::format("10de:{:04x}, not in the table of GPUs", gpu.id) : gpu.name;
    if (gpu.compute) out += fmt::format(", compute capability {}", compute_text(gpu.compute));
    if (const GpuGeneration* g = generation_of(gpu.compute)) out += fmt::format(" ({})", g->name);
    return fmt::format("{}, at {}, {}", out, gpu.address, gpu.kernel_driver.empty() ? "no kernel driver" : "driven by " + gpu.kernel_driver);
}

std::string driver_words(const GpuFacts& gpu) {
    if (gpu.wsl && gpu.module_version.empty()) return "that of Windows (WSL2)";
    if (gpu.module_version.empty()) return gpu.module_on_disk ? "installed, not loaded" : gpu.nouveau_loaded ? "nouveau" : "none";
    const std::string cuda = cuda_of_driver(gpu.module_version);
    return fmt::format("{} ({}){}", gpu.module_version, gpu.module_open ? "open kernel module" : "proprietary kernel module",
                       cuda.empty() ? "" : fmt::format(", CUDA {}", cuda));
}

void print_text(const Diagnosis& d, const std::string& file, const std::optional<Manifest>& manifest) {
    auto line = [](std::string_view label, std::string_view text) { fmt::print("{:>12}  {}\n", label, text); };
    line("machine", fmt::format("{}, kernel {}, {}", d.distribution.name.empty() ? "Linux" : d.distribution.name, d.machine.kernel, d.machine.processor));
    if (!d.machine.glibc.empty()) line("glibc", d.machine.glibc);
    for (const GpuDevice& gpu : d.gpu.devices) line("GPU", words_of(gpu));
    if (d.gpu.devices.empty()) line("GPU", d.gpu.wsl ? "through WSL2" : "none on the PCI bus");
    line("driver", driver_words(d.gpu));
    if (!d.gpu.libcuda.empty())
        line("libcuda", d.gpu.libcuda_version.empty() ? d.gpu.libcuda : fmt::format("{} ({})", d.gpu.libcuda, d.gpu.libcuda_version));
    if (!d.gpu.container.empty()) line("container", d.gpu.container);
    if (d.gpu.secure_boot) line("Secure Boot", *d.gpu.secure_boot ? "on" : "off");
    if (manifest) {
        fmt::print("\n");
        line("file", fmt::format("{} ({}, {})", file, manifest->name, manifest->platform));
        if (!manifest->requires_.glibc.empty()) line("needs", "glibc " + manifest->requires_.glibc);
        for (const auto& [label, text] : gpu_lines(manifest->requires_)) line(label, text);
    }
    if (!d.findings.empty()) fmt::print("\n");
    for (const Finding& f : d.findings) {
        line(to_string(f.severity), f.sentence);
        if (!f.advice.empty()) line("", f.advice);
        if (f.severity >= Severity::warning && !f.docs.empty()) line("", f.docs);
    }
    fmt::print("\n");
    const bool refused = failure_of(d.findings).has_value();
    if (manifest) line("verdict", refused ? "this machine cannot run it" : d.verdict.outcome == GpuVerdict::Outcome::usable ? "fits; the installer runs a kernel to prove it" : "can be installed; GPU " + std::string(to_string(d.verdict.outcome)) + (d.verdict.reason.empty() ? "" : ": " + d.verdict.reason));
    else line("verdict", refused ? "the GPU cannot be used" : d.verdict.outcome == GpuVerdict::Outcome::usable ? "nothing stands in the way of using the GPU" : "no GPU to be used from here");
}

json to_json(const Diagnosis& d, const std::optional<Manifest>& manifest) {
    json gpu = tinderbox::to_json(d.gpu);
    gpu["verdict"] = to_string(d.verdict.outcome);
    gpu["reason"] = d.verdict.reason;
    gpu["numbers"] = tinderbox::to_json(d.verdict.numbers);
    json out = {{"machine", tinderbox::to_json(d.machine)},
                {"distribution",
                 {{"id", d.distribution.id},
                  {"version", d.distribution.version},
                  {"family", d.distribution.family},
                  {"repositories", d.distribution.repositories},
                  {"driver_repository", d.distribution.driver_repository},
                  {"kernel_headers", d.distribution.headers}}},
                {"gpu", std::move(gpu)},
                {"findings", tinderbox::to_json(d.findings)},
                {"file", nullptr}};
    if (manifest) out["file"] = {{"name", manifest->name}, {"platform", manifest->platform}};
    return out;
}

Status doctor(const std::string& file, bool as_json) {
    std::optional<Manifest> manifest;
    if (!file.empty()) {
        auto run = RunFile::open(file);
        // A name that leads nowhere is a mistake on the command line, not a disk that fails.
        if (!run.ok() && run.error().kind == ErrorKind::storage) return Error{ErrorKind::usage, std::move(run).error().message};
        if (!run.ok()) return std::move(run).error();
        TRY_ASSIGN(manifest, manifest_from_json(run->manifest()));
    }
    const Diagnosis d = diagnose(manifest);
    if (as_json) fmt::print("{}", canonical_json(to_json(d, manifest)));
    else print_text(d, file, manifest);
    // What was found is the output; the exit code says how it ended.
    std::fflush(stdout);
    if (auto kind = failure_of(d.findings)) {
        auto first = std::ranges::find(d.findings, Severity::error, &Finding::severity);
        return make_error(*kind, "{}", first->sentence);
    }
    return {};
}

} // namespace

void add_doctor(CLI::App& app, Invocation& invocation) {
    CLI::App* command = app.add_subcommand("doctor", "Say what this machine has, and whether a .run would run on it");
    auto file = std::make_shared<std::string>();
    auto as_json = std::make_shared<bool>(false);
    command->add_option("FILE", *file, "A .run");
    command->add_flag("--json", *as_json, "As JSON");
    command->callback([=, &invocation] { invocation.run = [=] { return doctor(*file, *as_json); }; });
}

} // namespace tinderbox
