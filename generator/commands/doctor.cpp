// tinderbox doctor [FILE]: the facts about this machine (or the one whose /proc and /sys lie under TINDERBOX_SYSROOT),
// whether FILE, a .run, would run on it, and the driver's own answer. Facts and rules are those of the .run's
// preflight; the CUDA probe, in a child, is the one that runs after its installation.
#include "common/base/process.hpp"
#include "common/base/shell_quote.hpp"
#include "common/base/standard_output.hpp"
#include "common/base/terminal.hpp"
#include "common/format/entry.hpp"
#include "common/format/run_file.hpp"
#include "common/machine/description.hpp"
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
#include <set>

namespace tinderbox::commands {

using nlohmann::json;

namespace {

struct DoctorOptions {
    std::string file, prefix;
    bool as_json = false, describe = false, with_host = false;
    bool no_probe = false, probe = false; // neither: the probe runs if the rules find the driver usable
    std::optional<int> gpu_memory;
    int seconds = 120;
};

struct Diagnosis {
    machine::MachineFacts machine;
    machine::Distribution distribution;
    machine::GpuFacts gpu;
    machine::GpuVerdict verdict;
    std::vector<machine::Finding> findings;
    std::optional<machine::ProbeResult> probe; // nothing: the driver was not opened, because of:
    std::string no_probe;
    bool computes() const { return probe && probe->ok; }
};

// Without a FILE the question is whether the driver works at all, so the needs are those of the newest CUDA that it
// runs.
format::Manifest any_environment(const machine::GpuFacts& gpu) {
    format::Manifest m;
    m.platform = sizeof(void*) == 8 ? "linux-64" : "";
    const std::string cuda = machine::cuda_of_driver(gpu.module_version);
    m.requires_.cuda_runtime = cuda.empty() ? "12.0" : cuda;
    m.requires_.cuda_major = std::atoi(m.requires_.cuda_runtime.c_str());
    return m;
}

// The embedded probe for this CUDA major; empty = this build has no probe.
ByteView probe_for(std::optional<int> cuda_major) {
    std::vector<std::string> names;
    for (std::string_view name : embed::embedded_names())
        if (name.starts_with("probe/")) names.emplace_back(name.substr(6));
    const std::string chosen = machine::choose_probe(names, cuda_major);
    return chosen.empty() ? ByteView{} : embed::embedded("probe/" + chosen);
}

// A cuda-compat library of this machine is asked, as by the .run's own check. In another machine's tree only its name
// can be read, which has the driver's version.
std::optional<int> api_of_compat(const machine::GpuFacts& gpu, bool host,
                                 const std::map<std::string, std::string>& environment) {
    if (host) {
        std::map<std::string, std::string> set;
        if (auto path = environment.find("LD_LIBRARY_PATH"); path != environment.end())
            set["LD_LIBRARY_PATH"] = path->second;
        const ByteView program = probe_for(std::nullopt);
        return program.empty() ? std::nullopt : machine::ask_driver_api(program, set);
    }
    return machine::api_of_compat_library(gpu);
}

// Why the driver is not opened; "" = it is. Without --probe the driver stays closed when the rules have found it
// unusable, and when the files are another machine's.
std::string why_not_probed(const DoctorOptions& asked, machine::GpuVerdict::Outcome outcome, bool host) {
    if (asked.no_probe) return "--no-probe";
    if (asked.probe) return {};
    switch (outcome) {
    case machine::GpuVerdict::Outcome::not_needed:
        return "the environment has no CUDA";
    case machine::GpuVerdict::Outcome::not_verified:
        return "no GPU is to be seen from here";
    case machine::GpuVerdict::Outcome::refused:
        return "the findings say that the driver cannot be used";
    case machine::GpuVerdict::Outcome::usable:
        break;
    }
    return host ? "" : "the files are another machine's (TINDERBOX_SYSROOT)";
}

void ask_driver(const DoctorOptions& asked, const format::Requirements& needs, bool host,
                const std::map<std::string, std::string>& environment, Diagnosis& out) {
    out.no_probe = why_not_probed(asked, out.verdict.outcome, host);
    if (!out.no_probe.empty()) return;
    // WSL 2 shows no driver version that a runtime's major could be chosen by.
    format::Requirements tested = needs;
    if (asked.file.empty() && out.gpu.module_version.empty()) tested.cuda_major.reset();
    const ByteView program = probe_for(tested.cuda_major);
    if (program.empty()) {
        out.no_probe = "this build carries no CUDA probe";
        return;
    }
    machine::ProbeRun run;
    run.seconds = asked.seconds;
    if (asked.gpu_memory) run.arguments = {"--memory", std::to_string(*asked.gpu_memory)};
    out.probe = machine::run_probe_as_user(program, tested, run, environment);
}

Diagnosis diagnose(const DoctorOptions& asked, const std::optional<format::Manifest>& file) {
    const machine::SystemRoot root = machine::SystemRoot::from_environment();
    const auto environment = machine::user_environment();
    Diagnosis out;
    out.gpu = machine::read_gpu_facts(root, environment);
    out.distribution = machine::read_distribution(root, out.gpu.kernel_release);
    const format::Manifest manifest = file ? *file : any_environment(out.gpu);
    out.machine = machine::read_machine_facts(root, manifest.requires_, environment);
    machine::GpuJudgeOptions options;
    options.distribution = out.distribution;
    options.machine = out.machine.processor.empty() ? "x86_64" : out.machine.processor;
    options.driver_api = [&] { return api_of_compat(out.gpu, root.is_host(), environment); };
    options.override_advice.clear();
    out.verdict = machine::judge_gpu(out.gpu, manifest.requires_, options);
    if (file) out.findings = machine::judge_machine(out.machine, *file);
    std::ranges::copy_if(out.verdict.findings, std::back_inserter(out.findings),
                         [&](const machine::Finding& f) { return file || f.severity != machine::Severity::ok; });
    ask_driver(asked, manifest.requires_, root.is_host(), environment, out);
    return out;
}

std::string words_of(const machine::GpuDevice& gpu) {
    std::string out = gpu.name.empty() ? fmt::format("10de:{:04x}, not in the table of GPUs", gpu.id) : gpu.name;
    if (gpu.compute) out += fmt::format(", compute capability {}", machine::compute_text(gpu.compute));
    if (const machine::GpuGeneration* g = machine::generation_of(gpu.compute)) out += fmt::format(" ({})", g->name);
    return fmt::format("{}, at {}, {}", out, gpu.address,
                       gpu.kernel_driver.empty() ? "no kernel driver" : "driven by " + gpu.kernel_driver);
}

std::string driver_words(const machine::GpuFacts& gpu) {
    if (gpu.wsl && gpu.module_version.empty()) return "that of Windows (WSL2)";
    if (gpu.module_version.empty())
        return gpu.module_on_disk ? "installed, not loaded" : gpu.nouveau_loaded ? "nouveau" : "none";
    const std::string cuda = machine::cuda_label_of_driver(gpu.module_version);
    return fmt::format("{} ({}){}", gpu.module_version,
                       gpu.module_open ? "open kernel module" : "proprietary kernel module",
                       cuda.empty() ? "" : fmt::format(", CUDA {}", cuda));
}

// The probe's first problem; "" = none.
std::string probe_failure(const Diagnosis& d) {
    if (!d.probe || d.probe->ok) return {};
    return d.probe->problems.empty() ? "the CUDA probe failed" : d.probe->problems.front().sentence;
}

std::string verdict_words(const Diagnosis& d, bool of_file) {
    if (machine::failure_of(d.findings)) return of_file ? "this machine cannot run it" : "the GPU cannot be used";
    if (const std::string failure = probe_failure(d); !failure.empty()) return "the GPU does not compute: " + failure;
    if (d.computes()) return of_file ? "fits, and CUDA kernels run here" : "CUDA kernels run here";
    const std::string reason = d.verdict.reason.empty() ? "" : ": " + d.verdict.reason;
    if (d.verdict.outcome != machine::GpuVerdict::Outcome::usable)
        return of_file ? fmt::format("can be installed; GPU {}{}", machine::to_string(d.verdict.outcome), reason)
                       : "no GPU to be used from here";
    return of_file ? "fits; the installer runs a kernel to prove it" : "nothing stands in the way of using the GPU";
}

void print_text(const Diagnosis& d, const std::string& file, const std::optional<format::Manifest>& manifest) {
    auto line = [](std::string_view label, std::string_view text) { print("{:>12}  {}\n", label, text); };
    line("machine", fmt::format("{}, kernel {}, {}", d.distribution.name.empty() ? "Linux" : d.distribution.name,
                                d.machine.kernel, d.machine.processor));
    if (!d.machine.glibc.empty()) line("glibc", d.machine.glibc);
    for (const machine::GpuDevice& gpu : d.gpu.devices) line("GPU", words_of(gpu));
    if (d.gpu.devices.empty()) line("GPU", d.gpu.wsl ? "through WSL2" : "none on the PCI bus");
    line("driver", driver_words(d.gpu));
    if (!d.gpu.libcuda.empty())
        line("libcuda", d.gpu.libcuda_version.empty() ? d.gpu.libcuda
                                                      : fmt::format("{} ({})", d.gpu.libcuda, d.gpu.libcuda_version));
    if (!d.gpu.container.empty()) line("container", d.gpu.container);
    if (d.gpu.secure_boot) line("Secure Boot", *d.gpu.secure_boot ? "on" : "off");
    if (manifest) {
        write_output("\n");
        line("file", fmt::format("{} ({}, {})", file, manifest->name, manifest->platform));
        if (!manifest->requires_.glibc.empty()) line("needs", "glibc " + manifest->requires_.glibc);
        for (const auto& [label, text] : machine::gpu_lines(manifest->requires_)) line(label, text);
    }
    if (!d.findings.empty()) write_output("\n");
    for (const machine::Finding& f : d.findings) {
        line(machine::to_string(f.severity), f.sentence);
        if (!f.advice.empty()) line("", f.advice);
        if (f.severity >= machine::Severity::warning && !f.docs.empty()) line("", f.docs);
    }
    if (d.probe) {
        write_output("\n");
        for (const machine::ReportLine& row : machine::probe_lines(tinderbox::machine::to_json(*d.probe))) {
            line(row.word, row.sentence);
            if (!row.advice.empty()) line("", row.advice);
        }
    }
    write_output("\n");
    line("verdict", verdict_words(d, manifest.has_value()));
}

json to_json(const Diagnosis& d, const std::optional<format::Manifest>& manifest) {
    json gpu = tinderbox::machine::to_json(d.gpu);
    gpu["verdict"] = machine::to_string(d.verdict.outcome);
    gpu["reason"] = d.verdict.reason;
    gpu["numbers"] = tinderbox::machine::to_json(d.verdict.numbers);
    json out = {{"machine", tinderbox::machine::to_json(d.machine)},
                {"distribution",
                 {{"id", d.distribution.id},
                  {"version", d.distribution.version},
                  {"family", d.distribution.family},
                  {"repositories", d.distribution.repositories},
                  {"driver_repository", d.distribution.driver_repository},
                  {"kernel_headers", d.distribution.headers}}},
                {"gpu", std::move(gpu)},
                {"findings", tinderbox::machine::to_json(d.findings)},
                {"probe", nullptr},
                {"verdict", verdict_words(d, manifest.has_value())},
                {"file", nullptr}};
    if (d.probe) out["probe"] = tinderbox::machine::to_json(*d.probe);
    else out["no_probe"] = d.no_probe;
    if (manifest) out["file"] = {{"name", manifest->name}, {"platform", manifest->platform}};
    return out;
}

// CUDA numbers GPUs in an order of its own. So a GPU has the memory that all GPUs of its compute capability have.
void add_memory(const machine::ProbeResult& probe, std::vector<machine::GpuDevice>& devices) {
    for (machine::GpuDevice& gpu : devices) {
        std::set<std::uint64_t> sizes;
        for (const machine::ProbeDevice& one : probe.devices)
            if (gpu.compute && one.compute_capability == machine::compute_text(gpu.compute))
                sizes.insert(one.memory_bytes);
        if (sizes.size() == 1) gpu.memory_bytes = *sizes.begin();
    }
}

// The driver knows the memory of its GPUs, which stands in no file.
void ask_memory(const DoctorOptions& asked, const std::map<std::string, std::string>& environment,
                std::vector<machine::GpuDevice>& devices) {
    const ByteView program = probe_for(std::nullopt);
    if (program.empty())
        return Terminal::get().warning("this build carries no CUDA probe: the memory of the GPUs is not described");
    machine::ProbeRun run;
    run.seconds = asked.seconds;
    const machine::ProbeResult probe = machine::run_probe_as_user(program, {}, run, environment);
    add_memory(probe, devices);
    if (probe.devices.empty() && !probe.problems.empty())
        Terminal::get().warning("the memory of the GPUs is not described: " + probe.problems.front().sentence);
}

// What a prefix holds is described by the stub in it, which knows the records of its version.
void name_stub(const fs::path& prefix) {
    const fs::path stub = prefix / format::control_directory / "stub";
    std::error_code error;
    if (fs::exists(stub, error))
        Terminal::get().note("installed", fmt::format("{} --describe also describes what is installed there",
                                                      shell_quote(stub.string())));
}

Status describe(const DoctorOptions& asked) {
    const machine::SystemRoot root = machine::SystemRoot::from_environment();
    const auto environment = machine::user_environment();
    machine::Description out = machine::describe_machine(root, environment);
    if (asked.with_host) out.host.name = machine::read_host_facts(root).name;
    std::error_code error;
    const std::string named = asked.prefix.empty() ? environment_variable("HOME") : asked.prefix;
    if (!named.empty()) {
        const fs::path place = fs::absolute(named, error).lexically_normal();
        out.place = machine::read_file_system(machine::nearest_directory(place));
        name_stub(place);
    }
    if (asked.probe) ask_memory(asked, environment, out.gpu.devices);
    write_output(machine::description_text(machine::to_json(out)));
    return {};
}

Status doctor(const DoctorOptions& asked) {
    if (asked.describe) return describe(asked);
    std::optional<format::Manifest> manifest;
    if (!asked.file.empty()) {
        auto run = format::RunFile::open(asked.file);
        // A missing file is a mistake on the command line, not a failing disk.
        if (!run.ok() && run.error().kind == ErrorKind::storage)
            return Error{ErrorKind::usage, std::move(run).error().message};
        if (!run.ok()) return std::move(run).error();
        TRY_ASSIGN(manifest, format::manifest_from_json(run->manifest()));
    }
    const Diagnosis d = diagnose(asked, manifest);
    if (asked.as_json) write_output(format::canonical_json(to_json(d, manifest)));
    else print_text(d, asked.file, manifest);
    // The findings are the output, and the exit code says how it ended.
    if (auto kind = machine::failure_of(d.findings)) {
        auto first = std::ranges::find(d.findings, machine::Severity::error, &machine::Finding::severity);
        return make_error(*kind, "{}", first->sentence);
    }
    if (const std::string failure = probe_failure(d); !failure.empty())
        return make_error(ErrorKind::gpu, "{}", failure);
    return {};
}

} // namespace

void add_doctor(CLI::App& app, Invocation& invocation) {
    CLI::App* command =
        app.add_subcommand("doctor", "Show this machine, its driver and GPUs, and whether a .run would run on it");
    auto asked = std::make_shared<DoctorOptions>();
    auto* file = command->add_option("FILE", asked->file, "A .run");
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
    auto* describe =
        command->add_flag("--describe", asked->describe,
                          "Print a description of this machine for build --target: one line of JSON without names, "
                          "paths and serial numbers; with --probe the driver tells the memory of the GPUs, too");
    describe->excludes(file);
    command
        ->add_option("-p,--prefix", asked->prefix,
                     "With --describe: where an environment is to be installed (default: $HOME)")
        ->needs(describe)
        ->type_name("DIR");
    command->add_flag("--with-host", asked->with_host, "With --describe: name this machine in it")->needs(describe);
    command->callback([=, &invocation] { invocation.run = [=] { return doctor(*asked); }; });
}

} // namespace tinderbox::commands
