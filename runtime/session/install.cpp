// Installing: the place, preflight, the files, conda init, the verification, the report.
#include "common/base/shell_quote.hpp"
#include "common/base/stopwatch.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "runtime/install/replace.hpp"
#include "runtime/place/control_files.hpp"
#include "runtime/session/session.hpp"
#include "runtime/ui/prompt.hpp"

#include <algorithm>
#include <map>

namespace tinderbox::session {

Result<std::string> Session::choose_prefix() const {
    TRY_ASSIGN(std::string prefix, prefix_from(options_.prefix));
    if (!interactive()) {
        if (!options_.batch)
            terminal().note("batch",
                            "standard input is no terminal: nothing is asked, the licences count as accepted (-b); "
                            "-i asks all the same");
        return prefix;
    }
    TRY_ASSIGN(std::string licenses, license_texts());
    ui::Welcome welcome{manifest_.name, package_summary(), format_bytes(manifest_.install.bytes), std::move(licenses),
                        prefix};
    TRY_ASSIGN(ui::Answers answers, ui::ask(ui::Console::terminal(), welcome, options_.prefix.empty()));
    return prefix_from(answers.prefix);
}

verify::InstallFacts Session::facts_of(const install::InstallSummary& summary) {
    verify::InstallFacts facts;
    facts.files = summary.files;
    facts.bytes = summary.bytes;
    facts.resumed = summary.resumed;
    facts.already_complete = summary.already_complete;
    facts.stages = summary.seconds;
    facts.io = summary.io;
    facts.warnings = summary.warnings;
    if (!summary.carried_over.empty())
        facts.notes.push_back(fmt::format("{}, added or changed, carried over from the environment that was replaced",
                                          counted(summary.carried_over.size(), "entry")));
    if (summary.inherited > 0)
        facts.notes.push_back(fmt::format("{} of the environment that was there {} as {}",
                                          counted(summary.inherited, "file"), summary.inherited == 1 ? "stays" : "stay",
                                          summary.inherited == 1 ? "it was" : "they were"));
    if (summary.generation > 0)
        facts.notes.push_back(fmt::format("the environment that was there is generation {}; --rollback brings it back",
                                          summary.generation));
    if (summary.script_failure) facts.script_failure = summary.script_failure->message;
    return facts;
}

Result<int> Session::install_all() {
    TRY_ASSIGN(std::vector<install::Shell> shells, shells_to_init());
    TRY_ASSIGN(std::string asked, choose_prefix());
    const place::Decision decision = decide(asked);
    const std::string prefix = decision.layout.environment.string(), root = decision.layout.root.string();
    // A killed --replace may have left the old environment aside: it comes back, whatever the checks say.
    TRY(install::Replacement(decision).recover());
    preflight::Preflight found = preflight(decision);
    show_problems(found.findings);
    if (auto failure = machine::failure_of(found.findings)) {
        verify::ReportFacts in = facts_for(verify::ReportMode::install, prefix, &found);
        in.exit_code = static_cast<int>(*failure);
        terminal().error(fmt::format(
            "nothing was installed: {} of the checks above failed; run the installer again when that is mended",
            std::ranges::count(found.findings, machine::Severity::error, &machine::Finding::severity)));
        return report(in, {}, false);
    }
    terminal().note("installing", fmt::format("{} into '{}'", manifest_.name, prefix));
    auto installed = install::install(run(), manifest_, decision, install_options());
    terminal().end_progress();
    if (!installed.ok()) return ended(std::move(installed).error());
    verify::InstallFacts facts = facts_of(*installed);
    for (const std::string& warning : facts.warnings) terminal().warning(warning);
    for (const std::string& path : installed->carried_over) terminal().note("kept", root + "/" + path);
    if (!facts.script_failure.empty()) terminal().error(facts.script_failure);
    const std::vector<install::ShellChange> shell_changes = init_conda(asked, decision.layout, shells, facts);
    facts.seconds = total_of(facts.stages);

    verify::Verification verified = verify(prefix, found.verdict);
    if (interrupted_)
        return make_error(ErrorKind::interrupted,
                          "the verification was interrupted; '{}' is installed, --verify-only tests it", prefix);
    std::optional<ErrorKind> failure = verified.failure;
    if (!facts.script_failure.empty() && !failure) failure = ErrorKind::script;
    if (!failure)
        (void)place::record_stage(root, place::InstallStage::verified); // a read-only prefix loses only this mark
    verify::ReportFacts in = facts_for(verify::ReportMode::install, prefix, &found, &facts, &verified);
    if (!shell_changes.empty()) in.shells = &shell_changes;
    in.exit_code = failure ? static_cast<int>(*failure) : 0;
    in.included = included_paths(decision.layout);
    in.start = verify::first_program(manifest_);
    const bool new_shell = std::ranges::any_of(shell_changes, [](const install::ShellChange& c) {
        return c.outcome == install::ShellChange::Outcome::modified;
    });
    if (new_shell) in.activate_with_conda = "conda activate " + shell_quote(name_for_conda(prefix));
    TRY_ASSIGN(int code, report(in, root));
    if (options_.json && options_.conda_init && shell_changes.empty()) terminal().line(without_conda(prefix));
    if (new_shell) terminal().line("\n==> For changes to take effect, close and re-open your current shell. <==\n");
    return code;
}

Result<std::vector<install::Shell>> Session::shells_to_init() const {
    if (!options_.init_shells.empty()) return install::parse_shells(options_.init_shells);
    return install::shells_in_use(install::ShellPlaces::from_environment());
}

// The question of constructor's installers, asked like there when the files are in place.
bool Session::wants_conda_init(const std::string& conda, const std::vector<install::Shell>& shells,
                               const install::ShellPlaces& places) const {
    if (options_.conda_init) return true;
    // A conda that was there before is its owner's business.
    if (!interactive() || manifest_.base == "none" || !install::would_init_shells(conda, shells, places)) return false;
    return ui::ask_conda_init(ui::Console::terminal(), conda);
}

std::vector<install::ShellChange> Session::init_conda(const std::string& asked, const place::Layout& layout,
                                                      const std::vector<install::Shell>& shells,
                                                      verify::InstallFacts& facts) const {
    const std::string prefix = layout.environment.string();
    std::string conda = asked;
    if (!place::is_conda_prefix(conda)) conda = prefix;
    if (!place::is_conda_prefix(conda)) {
        if (options_.conda_init) facts.notes.push_back(without_conda(prefix));
        return {};
    }
    const install::ShellPlaces places = install::ShellPlaces::from_environment();
    if (!wants_conda_init(conda, shells, places)) return {};
    Stopwatch watch(facts.stages); // without the time of the question
    auto changes =
        install::init_shells(conda, shells, places, place::control_file(layout.root, place::control::shell_init));
    watch.lap("conda init");
    for (const install::ShellChange& change : changes) {
        if (change.outcome == install::ShellChange::Outcome::failed)
            terminal().warning(fmt::format("conda init {}: {}", install::to_string(change.shell), change.words));
        else
            terminal().note(change.outcome == install::ShellChange::Outcome::modified ? "modified" : "no change",
                            change.file.string());
    }
    return changes;
}

// -c where there is nothing that `conda init` could initialize.
std::string Session::without_conda(const std::string& prefix) {
    return fmt::format("-c changed no start-up file: this installer brings no conda. For the environment in every new "
                       "shell, add this line to its start-up file: . {}",
                       shell_quote(prefix + "/bin/activate"));
}

// The places of what --include and extra_files sent along: of each its topmost path, as the file table has it.
std::vector<std::string> Session::included_paths(const place::Layout& layout) const {
    auto table = run().table();
    if (!table.ok()) return {}; // the installation read it, so this cannot be
    std::map<std::uint32_t, const format::Destination*> topmost;
    for (const format::Destination& d : table->destinations) {
        if (d.package >= manifest_.packages.size() || manifest_.packages[d.package].kind != "include") continue;
        const format::Destination*& top = topmost[d.package];
        if (!top || d.path.size() < top->path.size()) top = &d;
    }
    std::vector<std::string> out;
    for (const auto& [package, top] : topmost) out.push_back((layout.prefix(top->root) / top->path).string());
    return out;
}

// "ml-dev" of CONDA/envs/ml-dev, else the path.
std::string Session::name_for_conda(const std::string& prefix) {
    const fs::path path = prefix;
    return path.parent_path().filename() == "envs" ? path.filename().string() : prefix;
}

Result<int> Session::extract() {
    TRY_ASSIGN(std::string directory, prefix_from(options_.extract_to));
    const place::Decision decision = decide(directory, true);
    auto findings = preflight::judge_target(preflight::read_target_facts(decision), decision, manifest_,
                                            [this] { return names_collide(); });
    show_problems(findings);
    if (auto failure = machine::failure_of(findings)) return static_cast<int>(*failure);
    auto extracted = install::install(run(), manifest_, decision, install_options());
    terminal().end_progress();
    if (!extracted.ok()) return ended(std::move(extracted).error());
    verify::InstallFacts facts = facts_of(*extracted);
    facts.seconds = total_of(facts.stages);
    verify::ReportFacts in = facts_for(verify::ReportMode::extract, directory, nullptr, &facts);
    return report(in, {});
}

} // namespace tinderbox::session
