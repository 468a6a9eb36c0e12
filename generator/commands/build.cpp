// tinderbox build: the pipeline, top to bottom.
#include "common/base/aligned_buffer.hpp"
#include "common/base/parallel.hpp"
#include "common/base/terminal.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/machine/probe.hpp"
#include "common/sign/run_signature.hpp"
#include "generator/advise/target.hpp"
#include "generator/assemble/bytecode.hpp"
#include "generator/assemble/link.hpp"
#include "generator/assemble/requirements.hpp"
#include "generator/assemble/run_writer.hpp"
#include "generator/commands/build_options.hpp"
#include "generator/commands/command.hpp"
#include "generator/commands/pipeline.hpp"
#include "generator/commands/redistribute.hpp"
#include "generator/embed/embedded.hpp"
#include "versions.hpp"

#include <elf.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <chrono>

namespace tinderbox {

using nlohmann::json;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// NAME of NAME.run: -o decides, else --name, else the request.
fs::path output_path(const BuildOptions& options, const Lock& lock) {
    if (!options.output.empty()) return options.output;
    return lock.name + ".run";
}

RunParts embedded_parts() {
    RunParts parts;
    parts.header_template = as_text(embedded("templates/header.sh"));
    parts.stub = embedded("stub");
    for (std::string_view name : embedded_names())
        if (name.starts_with("probe/")) parts.probes.emplace_back(name.substr(6), embedded(name));
    return parts;
}

// The installing program and the probes come out of this very binary, so that they run on its kind of processor alone.
Status check_platform(const RunParts& parts, const std::string& platform) {
    if (parts.stub.size() < 20) return make_error(ErrorKind::bug, "this tinderbox carries no installer stub");
    const auto machine = std::to_integer<unsigned>(parts.stub[18]) | std::to_integer<unsigned>(parts.stub[19])
                                                                         << 8; // e_machine
    const std::string own = machine == EM_AARCH64 ? "linux-aarch64" : "linux-64";
    if (platform == own) return {};
    return make_error(
        ErrorKind::usage,
        "this tinderbox makes installers for {}, and what is asked for is for {}; lock it here (tinderbox lock "
        "--platform {}), and build that lock with a tinderbox for {}",
        own, platform, platform, platform);
}

// One is enough: of the environment's own CUDA major, whose floor stage 2 then tests, or the one without a runtime.
void keep_matching_probe(RunParts& parts, const Manifest& manifest) {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : parts.probes) names.push_back(name);
    const std::string chosen = choose_probe(names, manifest.requires_.cuda_major);
    std::erase_if(parts.probes, [&](const auto& p) { return p.first != chosen; });
}

// The stub and the probes are part of what is handed on: the licences of what they link go along.
std::string own_licenses() {
    std::string out;
    for (std::string_view name : embedded_names())
        if (name.starts_with("licences/"))
            out += fmt::format("==== Tinderbox {} links {} ====\n\n{}\n\n", tinderbox_version, name.substr(9),
                               as_text(embedded(name)));
    return out;
}

void print_result(const fs::path& output, const WrittenRun& run, const Manifest& manifest) {
    json result = {{"output", output.string()},
                   {"size", run.size},
                   {"sha256", to_hex(run.volumes.front().sha256)},
                   {"packages", manifest.packages.size() - 1},
                   {"installed_bytes", manifest.install.apparent_bytes}};
    if (run.volumes.size() > 1)
        for (const WrittenVolume& volume : run.volumes)
            result["volumes"].push_back(
                {{"file", volume.path.string()}, {"size", volume.size}, {"sha256", to_hex(volume.sha256)}});
    fmt::print("{}", canonical_json(result));
}

Status build(const BuildOptions& options) {
    Terminal& terminal = Terminal::get();
    const auto start = Clock::now();
    TRY_ASSIGN(const GpuTarget target, parse_target(options.target_gpus, options.target_driver));
    const bool targeted = !target.gpus.empty() || !target.driver.empty();
    Pipeline pipeline(options);
    std::optional<SigningKey> key;
    if (!options.sign.empty()) {
        TRY_ASSIGN(key, SigningKey::read(options.sign));
    }

    // What was asked for → exactly which artifacts.
    TRY(pipeline.read_request());
    TRY(pipeline.capture());
    TRY(pipeline.solve());
    // What the names alone, and what was packed before, say about the target is worth saying before gigabytes are
    // fetched.
    if (targeted) TRY(check_target(target, pipeline.planned_gpu().needs));
    if (options.plan) {
        pipeline.ask_sizes();
        return pipeline.print_plan();
    }
    TRY(pipeline.check_redistribution());
    RunParts parts = embedded_parts();
    TRY(check_platform(parts, pipeline.lock().platform));

    // The bytes, compressed once each.
    TRY(pipeline.fetch());
    TRY(pipeline.pack());
    TRY(pipeline.compile());

    // One image, one file.
    // FAT32's limit is 4 GiB less a byte: volumes stay below the size, at a multiple of a page.
    if (options.split) parts.volume_size = round_down(options.split - 1);
    if (key) parts.key = &*key;
    LinkOptions link_options;
    fs::path output = output_path(options, pipeline.lock());
    std::string file_name = output.filename().string();
    link_options.name = file_name.ends_with(".run") ? file_name.substr(0, file_name.size() - 4) : file_name;
    link_options.level = options.level;
    link_options.strict = options.strict;
    link_options.base = pipeline.base();
    TRY_ASSIGN(Image image, link(pipeline.lock(), pipeline.python(), pipeline.inputs(), link_options));
    image.manifest.tinderbox_version = tinderbox_version;
    const Requirements& needs = image.manifest.requires_;
    if (!options.target_glibc.empty() && newer_glibc(needs.glibc, options.target_glibc))
        return make_error(
            ErrorKind::machine,
            "--target-glibc {}: '{}' needs glibc {}; build with a Python and wheels made for the older one",
            options.target_glibc, needs.glibc_because, needs.glibc);
    if (targeted) {
        TRY_ASSIGN(const std::vector<Finding> findings, check_target(target, needs));
        for (const Finding& f : findings) {
            if (f.severity == Severity::warning)
                terminal.warning(f.advice.empty() ? f.sentence : f.sentence + "; " + f.advice);
            else terminal.note("target", f.sentence);
        }
    }
    image.licenses += own_licenses();
    keep_matching_probe(parts, image.manifest);
    for (const auto& [name, bytes] : parts.probes) image.manifest.probes.push_back(name);
    TRY(classify_redistribution(image.manifest, options.redistributable));
    for (const std::string& warning : image.warnings) terminal.warning(warning);
    const Manifest manifest = image.manifest;
    TRY_ASSIGN(WrittenRun run,
               write_run(std::move(image), pipeline.inputs(), parts, output,
                         [&](std::uint64_t done, std::uint64_t total) { terminal.progress("writing", done, total); }));
    terminal.end_progress();

    terminal.note("built",
                  fmt::format("{}: {}, {} packages, {} installed, in {}", output.string(), format_bytes(run.size),
                              manifest.packages.size() - 1, format_bytes(manifest.install.apparent_bytes),
                              format_duration(seconds_since(start))));
    if (run.volumes.size() > 1)
        terminal.note("volumes", fmt::format("{} files; keep them together: {} to {}", run.volumes.size(),
                                             run.volumes.front().path.filename().string(),
                                             run.volumes.back().path.filename().string()));
    if (key) terminal.note("signed", signature_path(output).string());
    for (const auto& [label, text] : gpu_lines(manifest.requires_)) terminal.note(label, text);
    if (!manifest.requires_.glibc.empty())
        terminal.note("needs", fmt::format("glibc {} or newer", manifest.requires_.glibc));
    if (const auto& major = manifest.requires_.cuda_major;
        major && choose_probe(manifest.probes, major) != fmt::format("cuda_probe_{}", *major))
        terminal.note("GPU test", fmt::format("stage 2 is not available for CUDA {}, whose runtime this tinderbox does "
                                              "not carry; stage 1, the driver API, is",
                                              *major));
    for (const std::string& restriction : redistribution_notices(manifest)) terminal.note("notice", restriction);
    terminal.note("install with", "sh " + shell_quote(output.string()));
    if (options.json) print_result(output, run, manifest);
    return {};
}

} // namespace

void add_build(CLI::App& app, Invocation& invocation) {
    CLI::App* command = app.add_subcommand("build", "Make NAME.run from a request");
    auto options = std::make_shared<BuildOptions>();
    command->add_option("-o,--output", options->output, "The file to write (default: the environment's name + .run)");
    add_options(*command, *options);
    command->callback([=, &invocation] { invocation.run = [=] { return build(*options); }; });
}

} // namespace tinderbox
