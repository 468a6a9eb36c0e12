// tinderbox verify FILE: every byte of a .run, on this machine.
#include "common/base/terminal.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/sign/run_signature.hpp"
#include "generator/commands/command.hpp"

#include <CLI/CLI.hpp>

namespace tinderbox::commands {
namespace {

Status verify(const std::string& file, const std::string& key_file) {
    std::optional<sign::VerifyingKey> key;
    if (!key_file.empty()) {
        TRY_ASSIGN(key, sign::VerifyingKey::read(key_file));
    }
    TRY_ASSIGN(format::RunFile run, format::RunFile::open(file));
    Terminal& terminal = Terminal::get();
    auto progress = [&](std::uint64_t done) { terminal.progress("verifying", done, run.total_size()); };
    sign::SignatureCheck signature{true};
    if (key) {
        TRY_ASSIGN(signature, sign::check_signature(run, *key, 0, progress));
    }
    // The signature in the file was checked together with every byte; the detached one cannot tell which part is
    // damaged.
    if (signature.detached) TRY(run.verify_all(0, progress));
    terminal.end_progress();
    if (key)
        terminal.note("signed", fmt::format("by the key '{}'{}", key_file,
                                            signature.detached ? "" : " (in the file; it has no .sig beside it)"));
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

} // namespace tinderbox::commands
