// tinderbox lock: the exact artifacts that answer a request, in our format or in that of another tool.
#include "common/base/output_file.hpp"
#include "common/base/standard_output.hpp"
#include "common/base/terminal.hpp"
#include "common/base/units.hpp"
#include "generator/build/relock.hpp"
#include "generator/commands/build_options.hpp"
#include "generator/commands/command.hpp"
#include "generator/lock/export.hpp"
#include "generator/lock/update.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace tinderbox::commands {
namespace {

struct LockCommand {
    build::RelockOptions options;
    std::string format = "tinderbox";
    bool plan = false, as_json = false; // accepted as `build` does, without effect
};

// "+ WORD" for a new word of the request, "- WORD" for one that is gone.
std::string request_changes(const lock::Lock& before, const lock::Lock& after) {
    std::string out;
    auto add_missing = [&](const char* sign, const std::vector<std::string>& words,
                           const std::vector<std::string>& other) {
        for (const std::string& word : words)
            if (std::ranges::find(other, word) == other.end())
                out += (out.empty() ? sign : fmt::format(", {}", sign)) + word;
    };
    add_missing("+ ", after.request, before.request);
    add_missing("- ", before.request, after.request);
    return out;
}

void print_changes(const std::string& output, const lock::Lock& before, const lock::Lock& after) {
    Terminal& terminal = Terminal::get();
    if (before.request != after.request || before.sources != after.sources) {
        const std::string words = request_changes(before, after);
        terminal.note("request",
                      fmt::format("changed since {} was written{}{}", output, words.empty() ? "" : ": ", words));
    }
    const std::vector<lock::LockChange> rows = lock::changes(before, after);
    for (const lock::LockChange& row : rows) {
        if (row.before.empty()) terminal.note("added", fmt::format("{} {}", row.name, row.after));
        else if (row.after.empty()) terminal.note("removed", fmt::format("{} {}", row.name, row.before));
        else terminal.note("changed", fmt::format("{} {} → {}", row.name, row.before, row.after));
    }
    if (rows.empty()) terminal.note("unchanged", fmt::format("every package is as {} had it", output));
}

std::uint64_t count_exported(const lock::Lock& lock, lock::LockFormat format) {
    const bool wheels_only = format == lock::LockFormat::pylock || format == lock::LockFormat::requirements;
    return static_cast<std::uint64_t>(std::ranges::count_if(lock.artifacts, [&](const lock::LockedArtifact& a) {
        return !wheels_only || a.kind == parcel::ArtifactKind::wheel;
    }));
}

Status run(LockCommand& command) {
    for (std::string& one : command.options.build.specs) TRY(take_file_of_directory(one, spec::OwnLocks::left));
    TRY_ASSIGN(const lock::LockFormat format, lock::parse_lock_format(command.format));
    build::RelockOptions options = command.options;
    // Another tool's lock is for other machines, whose Python brings its own pip.
    if (format != lock::LockFormat::tinderbox) options.build.no_pip = true;
    TRY_ASSIGN(const build::Relocked made, build::relock(options, Terminal::get()));
    const lock::ExportedLock exported = lock::export_lock(made.lock, format);
    for (const std::string& warning : exported.warnings) Terminal::get().warning(warning);
    if (made.output.empty()) {
        write_output(exported.text);
        return {};
    }
    if (made.previous && format == lock::LockFormat::tinderbox) print_changes(made.output, *made.previous, made.lock);
    TRY(write_output_file(made.output, exported.text));
    Terminal::get().note("locked",
                         fmt::format("{}: {}", made.output, counted(count_exported(made.lock, format), "artifact")));
    return {};
}

} // namespace

void add_lock(CLI::App& app, Invocation& invocation) {
    CLI::App* lock = app.add_subcommand("lock", "Write down exactly which artifacts answer a request");
    auto command = std::make_shared<LockCommand>();
    lock->add_option("-o,--output", command->options.build.output, "The lock to write (default: standard output)");
    add_options(*lock, command->options.build, command->plan, command->as_json);
    lock->add_option("--format", command->format, "tinderbox (default), explicit, conda-lock, pylock, requirements")
        ->group("Output");
    lock->add_option("--update", command->options.update,
                     "Let only this package of the lock (-o) move; everything else stays pinned")
        ->group("Run");
    lock->add_flag("--pip-only", command->options.build.pip_only,
                   "Only the pip packages, for the Python of --python: quick to compare and to review, but no "
                   "environment to build")
        ->group("Run");
    lock->callback([=, &invocation] {
        if (command->options.build.output == "-") command->options.build.output.clear();
        invocation.uses_cache = true;
        invocation.run = [=] { return run(*command); };
    });
}

} // namespace tinderbox::commands
