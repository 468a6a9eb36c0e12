// What is done to an environment that is installed.
#include "common/base/text.hpp"
#include "runtime/install/repair.hpp"
#include "runtime/session/session.hpp"
#include "runtime/ui/prompt.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox {

using nlohmann::json;

namespace {

json to_json(const std::vector<FileDifference>& differences) {
    json out = json::array();
    for (const FileDifference& d : differences) out.push_back({{"path", d.path}, {"what", d.what}});
    return out;
}

void show(const std::vector<FileDifference>& differences, const std::string& root) {
    constexpr std::size_t shown = 50;
    for (std::size_t i = 0; i < differences.size() && i < shown; ++i)
        Terminal::get().warning(fmt::format("{}/{}: {}", root, differences[i].path, differences[i].what));
    if (differences.size() > shown) Terminal::get().warning(fmt::format("and {} more", differences.size() - shown));
}

} // namespace

// Every installed file against what was installed. What the user added is none of its business.
Result<int> Session::integrity() const {
    TRY_ASSIGN(Place place, find_installed());
    TRY_ASSIGN(FileCheck check, verify_files(place.root, options_.jobs, [&](std::uint64_t done) {
                   terminal().progress("comparing", done, 0, "files");
               }));
    terminal().end_progress();
    const bool whole = check.differences.empty();
    if (options_.json)
        write_stdout(json({{"ok", whole},
                           {"files", check.files},
                           {"bytes", check.bytes},
                           {"differences", to_json(check.differences)}})
                         .dump(2, ' ', false, json::error_handler_t::replace) +
                     "\n");
    else show(check.differences, place.root);
    if (!whole) {
        terminal().error(fmt::format(
            "{} of {} entries in '{}' are not as they were installed; sh {}.run --repair -p {} restores them",
            check.differences.size(), check.files, place.root, manifest_.name, shell_quote(place.root)));
        return static_cast<int>(ErrorKind::storage);
    }
    if (!options_.json)
        write_stdout(fmt::format("{}: all {} files ({}) are as they were installed\n", place.root, check.files,
                                 format_bytes(check.bytes)));
    return 0;
}

Result<int> Session::repair() const {
    TRY_ASSIGN(Place place, find_installed());
    InstallOptions options = install_options(place.prefix);
    auto repaired = repair_files(run(), manifest_, place.root, options);
    terminal().end_progress();
    if (!repaired.ok()) return std::move(repaired).error();
    for (const std::string& path : repaired->restored) terminal().note("restored", place.root + "/" + path);
    show(repaired->left, place.root);
    if (options_.json)
        write_stdout(
            json({{"files", repaired->files}, {"restored", repaired->restored}, {"left", to_json(repaired->left)}})
                .dump(2, ' ', false, json::error_handler_t::replace) +
            "\n");
    else
        write_stdout(fmt::format("{}: {} files compared, {} restored\n", place.root, repaired->files,
                                 repaired->restored.size()));
    if (repaired->left.empty()) return 0;
    terminal().error(
        fmt::format("{} entries could not be restored; the lines above say what is in the way", repaired->left.size()));
    return static_cast<int>(ErrorKind::storage);
}

Result<int> Session::verify_only() {
    TRY_ASSIGN(Place place, find_installed());
    const auto& [prefix, root] = place;
    Preflight found = preflight(root);
    // Where it is installed already, room and permissions are no matter.
    std::erase_if(found.findings, [](const Finding& f) {
        return f.kind != ErrorKind::machine || f.id == "room" || f.id == "inodes-unknown";
    });
    show_problems(found.findings);
    Verification verified = verify(prefix, found.verdict);
    ReportFacts in = facts_for("verify-only", prefix, &found, nullptr, &verified);
    auto failure = failure_of(found.findings);
    if (!failure) failure = verified.failure;
    in.exit_code = failure ? static_cast<int>(*failure) : 0;
    return report(in, root);
}

// What the user added or changed stays, unless --purge or the answer to a question says otherwise.
Result<int> Session::remove() {
    TRY_ASSIGN(Place place, find_installed());
    const std::string& root = place.root;
    if (interactive()) {
        auto sure = ask_yes_no(
            Console::terminal(),
            fmt::format("Remove the environment in '{}'{}?", root, options_.purge ? " with everything in it" : ""),
            false);
        if (!sure.value_or(false)) return make_error(ErrorKind::interrupted, "nothing was removed");
    }
    UninstallOptions how;
    how.purge = options_.purge;
    how.skip_scripts = options_.skip_scripts;
    if (interactive())
        how.purge_them = [&](const std::vector<std::string>& kept) {
            return ask_purge(Console::terminal(), root, kept);
        };
    std::vector<ShellChange> shells;
    how.begin = [&] { shells = undo_conda_init(root); };
    TRY_ASSIGN(UninstallSummary removed, uninstall(root, how));
    for (const std::string& warning : removed.warnings) terminal().warning(warning);
    for (const std::string& path : removed.kept) terminal().note("kept", root + "/" + path);
    if (options_.json)
        write_stdout(json({{"removed", removed.removed},
                           {"kept", removed.kept},
                           {"warnings", removed.warnings},
                           {"shells", to_json(shells)}})
                         .dump(2, ' ', false, json::error_handler_t::replace) +
                     "\n");
    else write_stdout(fmt::format("{} files removed from '{}', {} kept\n", removed.removed, root, removed.kept.size()));
    return 0;
}

std::vector<ShellChange> Session::undo_conda_init(const std::string& root) const {
    auto undone = undo_shells(fs::path(root) / ".tinderbox" / "shell-init");
    if (!undone.ok()) {
        terminal().warning(undone.error().message);
        return {};
    }
    for (const ShellChange& change : *undone) {
        const std::string words = change.words.empty() ? "" : " (" + change.words + ")";
        if (change.outcome == ShellChange::Outcome::failed)
            terminal().warning(
                fmt::format("'{}' still holds the lines of conda init: {}", change.file.string(), change.words));
        else terminal().note(to_string(change.outcome), change.file.string() + words);
    }
    return *std::move(undone);
}

} // namespace tinderbox
