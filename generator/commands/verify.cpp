// tinderbox verify FILE: every byte of a .run, on this machine.
#include "common/base/terminal.hpp"
#include "common/base/text.hpp"
#include "common/format/run_file.hpp"
#include "generator/commands/command.hpp"

#include <CLI/CLI.hpp>

namespace tinderbox {
namespace {

Status verify(const std::string& file, const std::string& key) {
    if (!key.empty())
        return make_error(ErrorKind::damaged, "'{}' carries no signature that this version can check; leave --key out", file);
    TRY_ASSIGN(RunFile run, RunFile::open(file));
    Terminal& terminal = Terminal::get();
    TRY(run.verify_all(0, [&](std::uint64_t done) { terminal.progress("verifying", done, run.total_size()); }));
    terminal.end_progress();
    terminal.note("intact", fmt::format("{} ({})", file, format_bytes(run.total_size())));
    return {};
}

} // namespace

void add_verify(CLI::App& app, Invocation& invocation) {
    CLI::App* command = app.add_subcommand("verify", "Check every byte of a .run on this machine");
    auto file = std::make_shared<std::string>();
    auto key = std::make_shared<std::string>();
    command->add_option("FILE", *file, "NAME.run")->required();
    command->add_option("--key", *key, "Public key (PEM) of whoever signed it");
    command->callback([=, &invocation] { invocation.run = [=] { return verify(*file, *key); }; });
}

} // namespace tinderbox
