// tinderbox doctor [FILE]: what this machine has (or the one whose /proc and /sys lie under TINDERBOX_SYSROOT), whether
// FILE, a .run, would run on it, and what the driver itself says. The same facts and rules as the .run's own preflight,
// and the same CUDA probe, in a child, as after its installation.
#include "common/base/terminal.hpp"
#include "common/base/text.hpp"
#include "common/format/run_file.hpp"
#include "common/machine/gpu_table.hpp"
#include "common/machine/gpu_verdict.hpp"
#include "common/machine/machine.hpp"
#include "common/machine/probe.hpp"
#include "common/machine/probe_lines.hpp"
#include "generator/commands/command.hpp"
#include "generator/embed/embedded.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>

namespace tinderbox {

using nlohmann::json;

namespace {

struct DoctorOptions {
    std::string file;
    bool as_json = false;
    bool no_probe = false, probe = false; // neither: where the rules say that the driver can be used
    std::optional<int> gpu_memory;
    int seconds = 120;
};

struct Diagnosis {
    MachineFacts machine;
    Distribution distribution;
    GpuFacts gpu;
    GpuVerdict verdict;
    std::vector<Finding> findings;
    std::optional<ProbeResult> probe; // nothing: the driver was not opened, because of:
    std::string no_probe;
    bool computes() const { return probe && probe->ok; }
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

// What is carried for this CUDA major; empty = this build has no probe.
ByteView probe_for(std::optional<int> cuda_major) {
    std::vector<std::string> names;
    for (std::string_view name : embedded_names())
        if (name.starts_with("probe/")) names.emplace_back(name.substr(6));
    const std::string chosen = choose_probe(names, cuda_major);
    return chosen.empty() ? ByteView{} : embedded("probe/" + chosen);
}

// A cuda-compat library is asked, as the .run's own check does it. That of another machine's tree cannot be: it says
// its driver version in its name.
std::optional<int> api_of_compat(const GpuFacts& gpu, bool host,
                                 const std::map<std::string, std::string>& environment) {
    if (host) {
        std::map<std::string, std::string> set;
        if (auto path = environment.find("LD_LIBRARY_PATH"); path != environment.end())
            set["LD_LIBRARY_PATH"] = path->second;
        const ByteView program = probe_for(std::nullopt);
        return program.empty() ? std::nullopt : ask_driver_api(program, set);
    }
    if (!gpu.libcuda_compat) return std::nullopt;
    const std::string cuda = cuda_of_driver(gpu.libcuda_version);
    auto parts = split(cuda, '.');
    if (parts.size() != 2) return std::nullopt;
    return std::atoi(std::string(parts[0]).c_str()) * 1000 + std::atoi(std::string(parts[1]).c_str()) * 10;
}

// Why the driver is not opened; "" = it is. Not where the rules have found that it cannot be used, and not about
// another machine's files, unless asked for.
std::string why_not_probed(const DoctorOptions& asked, GpuVerdict::Outcome outcome, bool host) {
    if (asked.no_probe) return "--no-probe";
    if (asked.probe) return {};
    switch (outcome) {
    case GpuVerdict::Outcome::not_needed:
        return "the environment has no CUDA";
    case GpuVerdict::Outcome::not_verified:
        return "no GPU is to be seen from here";
    case GpuVerdict::Outcome::refused:
        return "the findings say that the driver cannot be used";
    case GpuVerdict::Outcome::usable:
        break;
    }
    return host ? "" : "the files are another machine's (TINDERBOX_SYSROOT)";
}

void ask_driver(const DoctorOptions& asked, const Requirements& needs, bool host,
                const std::map<std::string, std::string>& environment, Diagnosis& out) {
    out.no_probe = why_not_probed(asked, out.verdict.outcome, host);
    if (!out.no_probe.empty()) return;
    // WSL 2 shows no driver version that a runtime's major could be chosen by.
    Requirements tested = needs;
    if (asked.file.empty() && out.gpu.module_version.empty()) tested.cuda_major.reset();
    const ByteView program = probe_for(tested.cuda_major);
    if (program.empty()) return void(out.no_probe = "this build carries no CUDA probe");
    ProbeRun run;
    run.seconds = asked.seconds;
    if (asked.gpu_memory) run.arguments = {"--memory", std::to_string(*asked.gpu_memory)};
    out.probe = run_probe_as_user(program, tested, run, environment);
}

Diagnosis diagnose(const DoctorOptions& asked, const std::optional<Manifest>& file) {
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
    options.driver_api = [&] { return api_of_compat(out.gpu, root.is_host(), environment); };
    options.way_out.clear();
    out.verdict = judge_gpu(out.gpu, manifest.requires_, options);
    if (file) out.findings = judge_machine(out.machine, *file);
    std::ranges::copy_if(out.verdict.findings, std::back_inserter(out.findings),
                         [&](const Finding& f) { return file || f.severity != Severity::ok; });
    ask_driver(asked, manifest.requires_, root.is_host(), environment, out);
    return out;
}

std::string words_of(const GpuDevice& gpu) {
    std::string out = gpu.name.empty() ? fmt::format("10de:{:04x}, not in the table of GPUs", gpu.id) : gpu.name;
    if (gpu.compute) out += fmt::format(", compute capability {}", compute_text(gpu.compute));
    if (const GpuGeneration* g = generation_of(gpu.compute)) out += fmt::format(" ({})", g->name);
    return fmt::format("{}, at {}, {}", out, gpu.address,
                       gpu.kernel_driver.empty() ? "no kernel driver" : "driven by " + gpu.kernel_driver);
}

std::string driver_words(const GpuFacts& gpu) {
    if (gpu.wsl && gpu.module_version.empty()) return "that of Windows (WSL2)";
    if (gpu.module_version.empty())
        return gpu.module_on_disk ? "installed, not loaded" : gpu.nouveau_loaded ? "nouveau" : "none";
    const std::string cuda = cuda_words_of_driver(gpu.module_version);
    return fmt::format("{} ({}){}", gpu.module_version,
                       gpu.module_open ? "open kernel module" : "proprietary kernel module",
                       cuda.empty() ? "" : fmt::format(", CUDA {}", cuda));
}

// The first thing that the probe found wrong; "" = nothing.
std::string probe_failure(const Diagnosis& d) {
    if (!d.probe || d.probe->ok) return {};
    return d.probe->problems.empty() ? "the CUDA probe failed" : d.probe->problems.front().sentence;
}

std::string verdict_words(const Diagnosis& d, bool of_file) {
    if (failure_of(d.findings)) return of_file ? "this machine cannot run it" : "the GPU cannot be used";
    if (const std::string failure = probe_failure(d); !failure.empty()) return "the GPU does not compute: " + failure;
    if (d.computes()) return of_file ? "fits, and CUDA kernels run here" : "CUDA kernels run here";
    const std::string reason = d.verdict.reason.empty() ? "" : ": " + d.verdict.reason;
    if (d.verdict.outcome != GpuVerdict::Outcome::usable)
        return of_file ? fmt::format("can be installed; GPU {}{}", to_string(d.verdict.outcome), reason)
                       : "no GPU to be used from here";
    return of_file ? "fits; the installer runs a kernel to prove it" : "nothing stands in the way of using the GPU";
}

void print_text(const Diagnosis& d, const std::string& file, const std::optional<Manifest>& manifest) {
    auto line = [](std::string_view label, std::string_view text) { fmt::print("{:>12}  {}\n", label, text); };
    line("machine", fmt::format("{}, kernel {}, {}", d.distribution.name.empty() ? "Linux" : d.distribution.name,
                                d.machine.kernel, d.machine.processor));
    if (!d.machine.glibc.empty()) line("glibc", d.machine.glibc);
    for (const GpuDevice& gpu : d.gpu.devices) line("GPU", words_of(gpu));
    if (d.gpu.devices.empty()) line("GPU", d.gpu.wsl ? "through WSL2" : "none on the PCI bus");
    line("driver", driver_words(d.gpu));
    if (!d.gpu.libcuda.empty())
        line("libcuda", d.gpu.libcuda_version.empty() ? d.gpu.libcuda
                                                      : fmt::format("{} ({})", d.gpu.libcuda, d.gpu.libcuda_version));
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
    if (d.probe) {
        fmt::print("\n");
        for (const ReportLine& row : probe_lines(tinderbox::to_json(*d.probe))) {
            line(row.word, row.sentence);
            if (!row.advice.empty()) line("", row.advice);
        }
    }
    fmt::print("\n");
    line("verdict", verdict_words(d, manifest.has_value()));
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
                {"probe", nullptr},
                {"verdict", verdict_words(d, manifest.has_value())},
                {"file", nullptr}};
    if (d.probe) out["probe"] = tinderbox::to_json(*d.probe);
    else out["no_probe"] = d.no_probe;
    if (manifest) out["file"] = {{"name", manifest->name}, {"platform", manifest->platform}};
    return out;
}

Status doctor(const DoctorOptions& asked) {
    std::optional<Manifest> manifest;
    if (!asked.file.empty()) {
        auto run = RunFile::open(asked.file);
        // A name that leads nowhere is a mistake on the command line, not a disk that fails.
        if (!run.ok() && run.error().kind == ErrorKind::storage)
            return Error{ErrorKind::usage, std::move(run).error().message};
        if (!run.ok()) return std::move(run).error();
        TRY_ASSIGN(manifest, manifest_from_json(run->manifest()));
    }
    const Diagnosis d = diagnose(asked, manifest);
    if (asked.as_json) fmt::print("{}", canonical_json(to_json(d, manifest)));
    else print_text(d, asked.file, manifest);
    // What was found is the output; the exit code says how it ended.
    std::fflush(stdout);
    if (auto kind = failure_of(d.findings)) {
        auto first = std::ranges::find(d.findings, Severity::error, &Finding::severity);
        return make_error(*kind, "{}", first->sentence);
    }
    if (const std::string failure = probe_failure(d); !failure.empty())
        return make_error(ErrorKind::gpu, "{}", failure);
    return {};
}

} // namespace

void add_doctor(CLI::App& app, Invocation& invocation) {
    CLI::App* command = app.add_subcommand("doctor", "Say what this machine has, and whether a .run would run on it");
    auto asked = std::make_shared<DoctorOptions>();
    command->add_option("FILE", asked->file, "A .run");
    auto* probe = command->add_flag("--probe", asked->probe,
                                    "Run kernels through NVIDIA's driver even where the rules expect nothing of it");
    command->add_flag("--no-probe", asked->no_probe, "Read files only: do not open NVIDIA's driver")->excludes(probe);
    command->add_option("--gpu-memory", asked->gpu_memory, "Percent of the free GPU memory to test (10)")
        ->check(CLI::Range(0, 95))
        ->type_name("N");
    command->add_option("--seconds", asked->seconds, "Give the driver up after N seconds (120)")
        ->check(CLI::Range(1, 86400))
        ->type_name("N");
    command->add_flag("--json", asked->as_json, "As JSON");
    command->callback([=, &invocation] { invocation.run = [=] { return doctor(*asked); }; });
}

} // namespace tinderbox
