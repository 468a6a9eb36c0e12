// The commands for an installed environment: --verify-only, --integrity, --repair, --uninstall.
#include "common/base/shell_quote.hpp"
#include "common/base/stopwatch.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/base/users.hpp"
#include "common/format/manifest.hpp"
#include "common/format/stage_times.hpp"
#include "runtime/install/integrity.hpp"
#include "runtime/install/repair.hpp"
#include "runtime/install/uninstall.hpp"
#include "runtime/place/control_files.hpp"
#include "runtime/session/session.hpp"
#include "runtime/ui/prompt.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace tinderbox::session {

using nlohmann::json;

namespace {

json to_json(const std::vector<install::FileDifference>& differences) {
    json out = json::array();
    for (const install::FileDifference& d : differences) out.push_back({{"path", d.path}, {"what", d.what}});
    return out;
}

void show(const std::vector<install::FileDifference>& differences, const std::string& root) {
    constexpr std::size_t shown = 50;
    for (std::size_t i = 0; i < differences.size() && i < shown; ++i)
        Terminal::get().warning(fmt::format("{}/{}: {}", root, differences[i].path, differences[i].what));
    if (differences.size() > shown) Terminal::get().warning(fmt::format("and {} more", differences.size() - shown));
}

} // namespace

// Every installed file against the list of installed files. Files that the user added are not looked at.
Result<int> Session::integrity() const {
    TRY_ASSIGN(place::Installed installed, find_installed(place::Access::read));
    const std::string root = installed.layout.root.string();
    TRY_ASSIGN(place::OpenTree tree, place::open_tree(root, installed.trust, place::Access::read));
    StageTimes times;
    Stopwatch watch(times);
    auto compared = install::verify_files(tree.root, tree_work());
    terminal().end_progress();
    if (!compared.ok()) return ended(std::move(compared).error());
    const install::FileCheck check = *std::move(compared);
    watch.lap("compare");
    const auto moved_from = place::moved_from(installed.state, installed.layout.root);
    const bool whole = check.differences.empty() && check.unreadable.empty() && !moved_from;
    if (options_.json)
        write_output(format::canonical_json({{"ok", whole},
                                             {"files", check.files},
                                             {"bytes", check.bytes},
                                             {"seconds", total_of(times)},
                                             {"stages", format::stages_to_json(times)},
                                             {"moved_from", moved_from ? json(moved_from->string()) : json()},
                                             {"differences", to_json(check.differences)},
                                             {"unreadable", to_json(check.unreadable)}}));
    else
        for (const auto* list : {&check.differences, &check.unreadable}) show(*list, root);
    if (!check.differences.empty())
        terminal().error(
            fmt::format("{} of {} in '{}' {} not as installed; sh {}.run --repair -p {} restores what differs",
                        check.differences.size(), counted(check.files, "entry"), root,
                        check.differences.size() == 1 ? "is" : "are", manifest_.name, shell_quote(root)));
    if (!check.unreadable.empty())
        terminal().error(fmt::format("{} of {} in '{}' cannot be read by {}, so nobody knows whether all is as it was "
                                     "installed; repeat it as the owner of the environment",
                                     check.unreadable.size(), counted(check.files, "entry"), root,
                                     describe_user(::geteuid())));
    if (moved_from) terminal().error(place::refuse_moved(*moved_from, root, manifest_.name).error().message);
    if (!whole) return static_cast<int>(ErrorKind::storage);
    if (!options_.json)
        say(fmt::format("{}: all {} files ({}) are as they were installed", root, check.files,
                        format_bytes(check.bytes)));
    return 0;
}

Result<int> Session::repair() const {
    TRY_ASSIGN(place::Installed installed, find_installed(place::Access::write));
    const std::string root = installed.layout.root.string();
    auto repaired = install::repair_files(run(), manifest_, installed, install_options());
    terminal().end_progress();
    if (!repaired.ok()) return ended(std::move(repaired).error());
    for (const std::string& path : repaired->restored) terminal().note("restored", root + "/" + path);
    for (const std::string& path : repaired->kept) terminal().note("kept", root + "/" + path);
    for (const std::string& warning : repaired->warnings) terminal().warning(warning);
    show(repaired->left, root);
    if (options_.json)
        write_output(format::canonical_json(
            {{"files", repaired->files},
             {"restored", repaired->restored},
             {"seconds", total_of(repaired->seconds)},
             {"stages", format::stages_to_json(repaired->seconds)},
             {"kept", repaired->kept},
             {"left", to_json(repaired->left)},
             {"moved_from", repaired->moved_from ? json(repaired->moved_from->string()) : json()},
             {"warnings", repaired->warnings}}));
    else
        say(fmt::format(
            "{}: {} compared, {} restored{}{}", root, counted(repaired->files, "file"), repaired->restored.size(),
            repaired->kept.empty() ? ""
                                   : fmt::format(", {} kept beside", counted(repaired->kept.size(), "other version")),
            repaired->moved_from ? fmt::format("; their paths still named '{}'", repaired->moved_from->string()) : ""));
    if (repaired->left.empty()) return 0;
    terminal().error(fmt::format("{} could not be restored; the lines above say what is in the way",
                                 counted(repaired->left.size(), "entry")));
    return static_cast<int>(ErrorKind::storage);
}

Result<int> Session::verify_only() {
    TRY_ASSIGN(place::Installed installed, find_installed(place::Access::read));
    const std::string root = installed.layout.root.string(), prefix = installed.layout.environment.string();
    preflight::Preflight found = preflight(decide(root), true);
    show_problems(found.findings);
    verify::Verification verified = verify(prefix, found.verdict);
    verify::ReportFacts in = facts_for(verify::ReportMode::verify_only, prefix, &found, nullptr, &verified);
    auto failure = machine::failure_of(found.findings);
    if (!failure) failure = verified.failure;
    in.exit_code = failure ? static_cast<int>(*failure) : 0;
    return report(in, root);
}

// Files that the user added or changed stay, unless --purge or the answer to a question says otherwise.
Result<int> Session::remove() {
    TRY_ASSIGN(place::Installed installed, find_installed(place::Access::write));
    const std::string root = installed.layout.root.string();
    if (interactive()) {
        auto sure = ui::ask_yes_no(
            ui::Console::terminal(),
            fmt::format("Remove the environment in '{}'{}?", root, options_.purge ? " with everything in it" : ""),
            false);
        if (!sure.value_or(false)) return make_error(ErrorKind::interrupted, "nothing was removed");
    }
    install::UninstallOptions how;
    how.trust = installed.trust;
    how.purge = options_.purge;
    how.skip_scripts = options_.skip_scripts;
    how.work = tree_work();
    if (interactive())
        how.purge_them = [&](const std::vector<std::string>& kept) {
            terminal().end_progress();
            return ui::ask_purge(ui::Console::terminal(), root, kept);
        };
    std::vector<install::ShellChange> shells;
    how.begin = [&] { shells = undo_conda_init(root); };
    auto uninstalled = install::uninstall(root, how);
    terminal().end_progress();
    if (!uninstalled.ok()) return ended(std::move(uninstalled).error());
    const install::UninstallSummary removed = *std::move(uninstalled);
    for (const std::string& warning : removed.warnings) terminal().warning(warning);
    for (const std::string& path : removed.kept) terminal().note("kept", root + "/" + path);
    if (options_.json)
        write_output(format::canonical_json({{"removed", removed.removed},
                                             {"kept", removed.kept},
                                             {"seconds", total_of(removed.seconds)},
                                             {"stages", format::stages_to_json(removed.seconds)},
                                             {"warnings", removed.warnings},
                                             {"shells", install::to_json(shells)}}));
    else say(fmt::format("{} removed from '{}', {} kept", counted(removed.removed, "file"), root, removed.kept.size()));
    return 0;
}

std::vector<install::ShellChange> Session::undo_conda_init(const std::string& root) const {
    auto undone = install::undo_shells(place::control_file(root, place::control::shell_init));
    if (!undone.ok()) {
        terminal().warning(undone.error().message);
        return {};
    }
    for (const install::ShellChange& change : *undone) {
        const std::string words = change.words.empty() ? "" : " (" + change.words + ")";
        if (change.outcome == install::ShellChange::Outcome::failed)
            terminal().warning(
                fmt::format("'{}' still holds the lines of conda init: {}", change.file.string(), change.words));
        else terminal().note(install::to_string(change.outcome), change.file.string() + words);
    }
    return *std::move(undone);
}

} // namespace tinderbox::session
