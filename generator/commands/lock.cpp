// tinderbox lock: exactly which artifacts answer a request, in our words or in those of another tool.
#include "common/base/terminal.hpp"
#include "common/base/text.hpp"
#include "generator/advise/target.hpp"
#include "generator/commands/build_options.hpp"
#include "generator/commands/command.hpp"
#include "generator/commands/pipeline.hpp"
#include "generator/lock/export.hpp"
#include "generator/lock/update.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <optional>

namespace tinderbox {
namespace {

struct LockCommand {
    BuildOptions build;
    std::string format = "tinderbox";
    std::vector<std::string> update;
};

// The lock that -o is about to replace, when it is one of ours.
Result<std::optional<Lock>> previous_lock(const LockCommand& command) {
    std::error_code ignored;
    const std::string& path = command.build.output;
    if (path.empty() || !fs::is_regular_file(path, ignored)) return std::optional<Lock>();
    TRY_ASSIGN(std::string text, read_text(path));
    if (recognise_spec(text) != SpecKind::tinderbox_lock) return std::optional<Lock>();
    TRY_ASSIGN(Lock lock, read_lock(path));
    return std::optional(std::move(lock));
}

bool is_lock(const std::string& argument) {
    auto text = read_text(split_argument(argument).path);
    return text.ok() && recognise_spec(*text) == SpecKind::tinderbox_lock;
}

// "lock demo.lock --update PKG": the request is the one that the lock remembers, and -o the lock itself.
Status use_remembered_request(LockCommand& command) {
    BuildOptions& build = command.build;
    if (command.update.empty() || build.specs.size() != 1 || !is_lock(build.specs.front())) return {};
    const std::string path = build.specs.front();
    TRY_ASSIGN(Lock lock, read_lock(path));
    if (build.output.empty()) build.output = path;
    build.specs.clear();
    std::error_code ignored;
    for (const LockedSource& source : lock.sources) {
        fs::path file = source.path;
        if (file.is_relative()) file = fs::path(path).parent_path() / file;
        if (!fs::exists(split_argument(file.string()).path, ignored))
            return make_error(ErrorKind::usage,
                              "{}: it answers '{}', which is not there; give the request too: tinderbox lock REQUEST "
                              "-o {} --update {}",
                              path, source.path, path, command.update.front());
        build.specs.push_back(file.string());
    }
    if (build.specs.empty())
        return make_error(
            ErrorKind::usage,
            "{}: it does not say which file it answers; give the request too: tinderbox lock REQUEST -o {} --update {}",
            path, path, command.update.front());
    if (build.base.empty() && lock.base && lock.base->kind != "installer") build.base = lock.base->kind;
    build.platform = lock.platform;
    if (build.target_glibc.empty()) build.target_glibc = lock.target_glibc;
    if (lock.captured && build.python_from.empty() && build.from_prefix.empty())
        (lock.captured->kind == "python" ? build.python_from : build.from_prefix) = lock.captured->path;
    return {};
}

// What the lock answers: each SPEC, named from the lock's directory, with the digest of what it asks for.
Result<std::vector<LockedSource>> sources_of(const BuildOptions& options) {
    std::vector<LockedSource> out;
    std::error_code ignored;
    const fs::path directory =
        fs::absolute(options.output.empty() ? fs::path("x") : fs::path(options.output), ignored).parent_path();
    for (const std::string& argument : options.specs) {
        if (is_lock(argument)) continue;
        LockChoice choice;
        choice.platform = options.platform;
        choice.environment = options.env_name;
        TRY_ASSIGN(Request request, read_spec(argument, std::move(choice)));
        out.push_back({fs::absolute(argument, ignored).lexically_normal().lexically_relative(directory).string(),
                       request_digest(request)});
    }
    return out;
}

void say_changes(const LockCommand& command, const Lock& before, const Lock& after) {
    Terminal& terminal = Terminal::get();
    if (before.request != after.request || before.sources != after.sources) {
        std::string words;
        auto missing = [](const std::vector<std::string>& in, const std::string& word) {
            return std::ranges::find(in, word) == in.end();
        };
        for (const std::string& word : after.request)
            if (missing(before.request, word)) words += (words.empty() ? "" : ", ") + ("+ " + word);
        for (const std::string& word : before.request)
            if (missing(after.request, word)) words += (words.empty() ? "" : ", ") + ("- " + word);
        terminal.note("request", fmt::format("changed since {} was written{}{}", command.build.output,
                                             words.empty() ? "" : ": ", words));
    }
    const std::vector<LockChange> rows = changes(before, after);
    for (const LockChange& row : rows)
        terminal.note(row.before.empty()  ? "added"
                      : row.after.empty() ? "removed"
                                          : "changed",
                      row.before.empty()  ? fmt::format("{} {}", row.name, row.after)
                      : row.after.empty() ? fmt::format("{} {}", row.name, row.before)
                                          : fmt::format("{} {} → {}", row.name, row.before, row.after));
    if (rows.empty()) terminal.note("unchanged", fmt::format("every package is as {} had it", command.build.output));
}

Status run(LockCommand command) {
    TRY_ASSIGN(const LockFormat format, parse_lock_format(command.format));
    TRY(use_remembered_request(command));
    TRY_ASSIGN(const std::optional<Lock> previous, previous_lock(command));
    if (!command.update.empty() && !previous)
        return make_error(ErrorKind::usage, "--update {}: there is no lock to update; name it with -o FILE.lock",
                          command.update.front());

    TRY_ASSIGN(const GpuTarget target, parse_target(command.build.target_gpus, command.build.target_driver));
    Pipeline pipeline(command.build);
    TRY(pipeline.read_request());
    if (!command.update.empty()) TRY(pin_to(*previous, command.build.output, command.update, pipeline.request()));
    TRY(pipeline.capture());
    TRY(pipeline.solve());
    if (!target.gpus.empty() || !target.driver.empty()) TRY(check_target(target, pipeline.planned_gpu().needs));
    TRY(pipeline.fetch_unknown());
    pipeline.ask_sizes();

    Lock lock = pipeline.lock();
    if (!command.update.empty()) TRY(check_pins(*previous, lock, command.update));
    if (!pipeline.request_is_lock()) {
        TRY_ASSIGN(lock.sources, sources_of(command.build));
    }
    ExportedLock exported = export_lock(lock, format);
    for (const std::string& warning : exported.warnings) Terminal::get().warning(warning);
    if (command.build.output.empty()) {
        fmt::print("{}", exported.text);
        return {};
    }
    if (previous && format == LockFormat::tinderbox) say_changes(command, *previous, lock);
    TRY(write_atomically(command.build.output, exported.text));
    const bool wheels_only = format == LockFormat::pylock || format == LockFormat::requirements;
    const auto written = std::ranges::count_if(
        lock.artifacts, [&](const LockedArtifact& a) { return !wheels_only || a.kind == "wheel"; });
    Terminal::get().note("locked", fmt::format("{}: {} artifacts", command.build.output, written));
    return {};
}

} // namespace

void add_lock(CLI::App& app, Invocation& invocation) {
    CLI::App* lock = app.add_subcommand("lock", "Write down exactly which artifacts answer a request");
    auto command = std::make_shared<LockCommand>();
    lock->add_option("-o,--output", command->build.output, "The lock to write (default: standard output)");
    add_options(*lock, command->build);
    lock->add_option("--format", command->format, "tinderbox (default), explicit, conda-lock, pylock, requirements")
        ->group("Output");
    lock->add_option("--update", command->update,
                     "Let only this package of the lock (-o) move; everything else stays pinned")
        ->group("Run");
    lock->add_flag("--pip-only", command->build.pip_only,
                   "Only the pip packages, for the Python of --python: quick to compare and to review, but no "
                   "environment to build")
        ->group("Run");
    lock->callback([=, &invocation] { invocation.run = [=] { return run(*command); }; });
}

} // namespace tinderbox
