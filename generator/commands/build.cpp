// tinderbox build: options → build → what was built, or the plan of it.
#include "generator/build/build.hpp"
#include "generator/advise/system_needs.hpp"

#include "common/base/shell_quote.hpp"
#include "common/base/standard_output.hpp"
#include "common/base/stopwatch.hpp"
#include "common/base/terminal.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/format/stage_times.hpp"
#include "common/format/update.hpp"
#include "common/machine/probe.hpp"
#include "common/sign/run_signature.hpp"
#include "generator/build/redistribution.hpp"
#include "generator/commands/build_options.hpp"
#include "generator/commands/command.hpp"
#include "generator/report/columns.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace tinderbox::commands {
namespace {

using nlohmann::json;

struct BuildCommand {
    build::Options options;
    bool plan = false, as_json = false;
};

void print_json(const build::Built& built) {
    const auto& [output, run, manifest, seconds] = built;
    json result = {{"output", output.string()},
                   {"size", run.size},
                   {"sha256", to_hex(run.volumes.front().sha256)},
                   {"packages", manifest.packages.size() - 1},
                   {"seconds", total_of(seconds)},
                   {"stages", format::stages_to_json(seconds)},
                   {"installed_bytes", manifest.install.apparent_bytes}};
    if (manifest.update)
        result["update"] = {{"inherited_files", manifest.update->inherited_files},
                            {"inherited_bytes", manifest.update->inherited_bytes}};
    if (run.volumes.size() > 1)
        for (const assemble::WrittenVolume& volume : run.volumes)
            result["volumes"].push_back(
                {{"file", volume.path.string()}, {"size", volume.size}, {"sha256", to_hex(volume.sha256)}});
    write_output(format::canonical_json(result));
}

void print_notes(const build::Built& built, bool with_signature) {
    Terminal& terminal = Terminal::get();
    const auto& [output, run, manifest, seconds] = built;
    const format::Requirements& needs = manifest.requires_;
    terminal.note("built",
                  fmt::format("{}: {}, {}, {} installed, in {}", output.string(), format_bytes(run.size),
                              counted(manifest.packages.size() - 1, "package"),
                              format_bytes(manifest.install.apparent_bytes), format_duration(total_of(seconds))));
    if (run.volumes.size() > 1)
        terminal.note("volumes", fmt::format("{} files; keep them together: {} to {}", run.volumes.size(),
                                             run.volumes.front().path.filename().string(),
                                             run.volumes.back().path.filename().string()));
    if (with_signature) terminal.note("signed", sign::signature_path(output).string());
    for (const auto& [label, text] : format::update_lines(manifest)) terminal.note(label, text);
    for (const auto& [label, text] : machine::gpu_lines(needs)) terminal.note(label, text);
    for (const auto& [label, text] : advise::system_lines(needs, manifest.python.value_or(format::PythonInfo())))
        terminal.note(label, text);
    if (const auto& major = needs.cuda_major;
        major && machine::choose_probe(manifest.probes, major) != fmt::format("cuda_probe_{}", *major))
        terminal.note("GPU test", fmt::format("stage 2 is not available for CUDA {}, whose runtime this tinderbox does "
                                              "not carry; stage 1, the driver API, is",
                                              *major));
    for (const std::string& restriction : build::redistribution_notices(manifest)) terminal.note("notice", restriction);
    terminal.note("install with", "sh " + shell_quote(output.string()) +
                                      (manifest.update ? " -p PREFIX, the prefix of that environment" : ""));
}

Status print_plan(const BuildCommand& command) {
    TRY_ASSIGN(const build::Planned planned, build::plan(command.options, Terminal::get()));
    if (!command.as_json) {
        write_output(report::plan_text(planned.plan, report::output_width(), report::output_colour()));
        return {};
    }
    json out = report::to_json(planned.plan);
    out["lock"] = lock::to_json(planned.lock);
    write_output(format::canonical_json(out));
    return {};
}

Status run(BuildCommand& command) {
    for (std::string& one : command.options.specs) TRY(take_file_of_directory(one, spec::OwnLocks::taken));
    if (command.plan) return print_plan(command);
    TRY_ASSIGN(const build::Built built, build::build(command.options, Terminal::get()));
    print_notes(built, !command.options.sign.empty());
    if (command.as_json) print_json(built);
    return {};
}

} // namespace

void add_build(CLI::App& app, Invocation& invocation) {
    CLI::App* build = app.add_subcommand("build", "Make NAME.run from a request");
    auto command = std::make_shared<BuildCommand>();
    build->add_option("-o,--output", command->options.output,
                      "The file to write (default: the environment's name + .run)");
    build
        ->add_option("--onto", command->options.onto,
                     "An earlier installer: the file becomes an update, without what that environment has")
        ->group("Output");
    add_options(*build, command->options, command->plan, command->as_json);
    build->callback([=, &invocation] {
        invocation.uses_cache = true;
        invocation.run = [=] { return run(*command); };
    });
}

} // namespace tinderbox::commands
