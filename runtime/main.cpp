// The program inside every NAME.run. The shell header starts it as
//
//     STUB --tinderbox-run /absolute/path/of/NAME.run -- what the user wrote…
//
// with the user's working directory. It is the loader: look at the machine, put the files in place, test,
// report.
#include "common/base/terminal.hpp"
#include "common/base/text.hpp"
#include "common/format/run_file.hpp"
#include "common/sign/run_signature.hpp"
#include "runtime/install/installer.hpp"
#include "runtime/install/shell_init.hpp"
#include "runtime/preflight/preflight.hpp"
#include "runtime/ui/options.hpp"
#include "runtime/ui/prompt.hpp"
#include "runtime/ui/report.hpp"
#include "runtime/verify/summary.hpp"

#include <nlohmann/json.hpp>
#include <zstd.h>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <unordered_set>

namespace tinderbox {
namespace {

using nlohmann::json;

std::atomic<bool> interrupted = false;
std::atomic<std::int64_t> interrupted_at_ms = 0;

extern "C" void on_signal(int) {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const std::int64_t ms = std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
    // The second Ctrl-C does not wait. timeout(1) sends every signal twice: to its child, then to the group.
    if (!interrupted.exchange(true))
        interrupted_at_ms = ms;
    else if (ms - interrupted_at_ms > 300)
        _exit(static_cast<int>(ErrorKind::interrupted));
}

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

void write_stdout(std::string_view text) {
    while (!text.empty()) {
        ssize_t n = ::write(1, text.data(), text.size());
        if (n <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

// The header copied this program into a directory made for it alone; nothing else may be removed.
void remove_own_copy(const char* self) {
    const fs::path directory = variable("TINDERBOX_STUB_DIR");
    ::unsetenv("TINDERBOX_STUB_DIR");
    if (directory.empty() || !directory.filename().string().starts_with("tinderbox.")) return;
    if (fs::path(self) != directory / "installer") return;
    ::unlink(self);
    ::rmdir(directory.c_str());
}

// ---- one run of NAME.run
// ----------------------------------------------------------------------------------------

class Session {
  public:
    Session(RunFile run, Manifest manifest, RunOptions options)
        : run_(std::move(run)), manifest_(std::move(manifest)), options_(std::move(options)) {}
    // Started as PREFIX/.tinderbox/stub, without the .run: what an installed prefix can do by itself.
    Session(InstalledState installed, RunOptions options)
        : manifest_(installed.manifest), options_(std::move(options)), installed_(std::move(installed)) {}

    Result<int> go() {
        switch (options_.mode) {
        case Mode::list:
            return list();
        case Mode::info:
            return info();
        case Mode::license:
            return license();
        case Mode::verify_file:
            return verify_file();
        case Mode::check:
            return check();
        case Mode::extract:
            return extract();
        case Mode::verify_only:
            return verify_only();
        case Mode::uninstall:
            return remove();
        default:
            return install_all();
        }
    }

  private:
    Terminal& terminal() const { return Terminal::get(); }
    const RunFile& run() const { return *run_; }
    std::string manifest_sha256() const {
        return installed_ ? installed_->manifest_sha256 : to_hex(run().manifest_sha256());
    }

    // ---- what the file says of itself
    // ---------------------------------------------------------------------------

    Result<int> list() const {
        if (options_.json) {
            write_stdout(canonical_json(to_json(manifest_)["packages"]));
            return 0;
        }
        std::vector<std::vector<std::string>> rows;
        for (const PackageInfo& p : manifest_.packages)
            if (p.kind != "generated")
                rows.push_back(
                    {p.name, p.version, p.build, p.kind, format_bytes(p.installed_size), p.license});
        write_stdout(render_columns(rows));
        return 0;
    }

    Result<int> info() const {
        if (options_.json) {
            write_stdout(run().manifest_text());
            return 0;
        }
        const Requirements& needs = manifest_.requires_;
        std::vector<std::vector<std::string>> rows = {
            {"environment", manifest_.env_name},
            {"platform", manifest_.platform},
            {"Python", manifest_.python ? manifest_.python->version : "none"},
            {"packages", package_summary()},
            {"installed size",
             fmt::format("{} in {} files", format_bytes(manifest_.install.bytes), manifest_.install.inodes)},
            {"this file", format_bytes(run().total_size())},
        };
        if (!needs.glibc.empty()) rows.push_back({"needs glibc", needs.glibc});
        if (needs.cuda_major)
            rows.push_back(
                {"needs driver", fmt::format("{} or newer, for CUDA {}", needs.driver_floor,
                                             needs.cuda_runtime.empty() ? std::to_string(*needs.cuda_major)
                                                                        : needs.cuda_runtime)});
        for (const std::string& library : needs.libraries)
            rows.push_back({"needs library", library});
        if (manifest_.install.longest_prefix)
            rows.push_back({"longest prefix", fmt::format("{} bytes", manifest_.install.longest_prefix)});
        for (const std::string& word : manifest_.request)
            rows.push_back({"asked for", word});
        for (const std::string& notice : manifest_.notices)
            rows.push_back({"notice", notice});
        rows.push_back({"made by", "Tinderbox " + manifest_.tinderbox_version});
        rows.push_back({"manifest SHA-256", to_hex(run().manifest_sha256())});
        write_stdout(render_columns(rows));
        return 0;
    }

    Result<std::string> license_texts() const {
        const Section* section = run().section("licenses");
        if (!section || section->size == 0) return std::string();
        TRY_ASSIGN(Bytes packed, run().read_section(*section));
        unsigned long long size = ZSTD_getFrameContentSize(packed.data(), packed.size());
        constexpr unsigned long long limit = 1ull << 30;
        if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN || size > limit)
            return make_error(ErrorKind::damaged,
                              "{}: the licence texts are not a zstd frame; copy the file again",
                              run().path().string());
        std::string text(size, '\0');
        if (ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size()) != size)
            return make_error(ErrorKind::damaged,
                              "{}: the licence texts cannot be decompressed; copy the file again",
                              run().path().string());
        return text;
    }

    Result<int> license() const {
        TRY_ASSIGN(std::string text, license_texts());
        if (text.empty())
            text = "The packages in this file carry no licence texts; --list names their licences.\n";
        write_stdout(text);
        return 0;
    }

    Result<int> verify_file() const {
        TRY(run().verify_all(options_.jobs, [&](std::uint64_t done) {
            terminal().progress("checking", done, run().total_size());
        }));
        terminal().end_progress();
        if (options_.json)
            write_stdout(json({{"ok", true},
                               {"size", run().total_size()},
                               {"manifest_sha256", to_hex(run().manifest_sha256())}})
                             .dump() +
                         "\n");
        else
            write_stdout(fmt::format("{}: all {} bytes are as they were made\n",
                                     run().path().filename().string(), run().total_size()));
        return 0;
    }

    std::string package_summary() const {
        std::string asked;
        std::size_t count = 0, named = 0;
        for (const PackageInfo& p : manifest_.packages) {
            if (p.kind == "generated" || p.prefix == "base") continue;
            ++count;
            if (!p.requested || named >= 4) continue;
            asked += fmt::format("{}{} {}", named ? ", " : "", p.name, p.version);
            ++named;
        }
        if (named == 0) return fmt::format("{} packages", count);
        return count > named ? fmt::format("{} and {} more packages", asked, count - named) : asked;
    }

    // ---- the prefix
    // ---------------------------------------------------------------------------------------------

    Result<std::string> prefix_from(std::string_view written) const {
        std::error_code error;
        std::string home = variable("HOME"), cwd = fs::current_path(error).string();
        if (written.empty()) {
            if (home.empty())
                return make_error(ErrorKind::usage,
                                  "$HOME is not set, so there is no default place; name one with -p");
            return resolve_prefix(home + "/" + manifest_.name, home, cwd);
        }
        return resolve_prefix(written, home, cwd);
    }

    InstallOptions install_options(const std::string& prefix) const {
        InstallOptions o;
        o.prefix = prefix;
        o.allow_existing = options_.allow_existing();
        o.replace = options_.replace;
        o.manifest_sha256 = manifest_sha256();
        o.skip_scripts = options_.skip_scripts;
        o.keep_packages = options_.keep_packages;
        o.private_modes = options_.private_files;
        o.jobs = options_.jobs;
        o.interrupted = &interrupted;
        o.progress = [this](const InstallProgress& p) {
            terminal().progress(p.stage, p.done, p.total, p.stage == "extract" ? "B" : "");
        };
        return o;
    }

    // Where an installation that was made for `asked` is: of the environment, and of its .tinderbox.
    struct Place {
        std::string prefix, root;
    };
    Place place_of(const std::string& asked) const {
        const InstallOptions o = install_options(asked);
        return {environment_prefix(manifest_, o).string(), installed_root(manifest_, o).string()};
    }
    Result<Place> find_installed() const {
        TRY_ASSIGN(std::string asked, prefix_from(options_.prefix));
        Place place = place_of(asked);
        if (is_ours(place.root)) return place;
        // Added to a conda: the environment's own prefix need not be spelled out.
        const std::string inside = asked + "/envs/" + manifest_.env_name;
        if (manifest_.base == "none" && is_ours(inside)) return Place{inside, inside};
        return make_error(ErrorKind::storage,
                          "'{}' does not hold this installer's environment; name its prefix with -p", asked);
    }

    // Whether this very environment is at the prefix already, whole or begun.
    bool is_ours(const std::string& prefix) const {
        auto state = read_state(prefix);
        return state.ok() && *state && (*state)->manifest_sha256 == manifest_sha256();
    }

    // Names that differ only in case: legal (ncurses has them), but not on every file system.
    bool names_collide() const {
        auto table = run().table();
        if (!table.ok()) return false; // the installation will say so
        std::unordered_set<std::string> seen;
        return std::ranges::any_of(
            table->destinations, [&](const Destination& d) { return !seen.insert((d.root == Root::base ? "base " : "env ") + to_lower(d.path)).second; });
    }

    // ---- preflight
    // ----------------------------------------------------------------------------------------------

    Result<Bytes> probe_program() const {
        if (installed_)
            return read_bytes(fs::path(options_.prefix) / ".tinderbox" / choose_probe(manifest_), 64u << 20);
        const Section* section = run().section("probe:" + choose_probe(manifest_));
        if (!section) return make_error(ErrorKind::bug, "this installer carries no CUDA probe");
        return run().read_section(*section);
    }

    Preflight preflight(const std::string& prefix) const {
        const InstallOptions install = install_options(prefix);
        const fs::path root = installed_root(manifest_, install), environment = environment_prefix(manifest_, install);
        PreflightOptions o;
        o.prefix = root.string();
        o.no_gpu = options_.no_gpu;
        o.target.install = install_needs(manifest_, install);
        const InstallParts& parts = manifest_.parts;
        o.target.limits = {{environment.string(), parts.env.longest_prefix, parts.env.longest_prefix_because}};
        if (environment != root)
            o.target.limits.push_back({root.string(), parts.base.longest_prefix, parts.base.longest_prefix_because});
        if (root != prefix) o.target.conda = prefix;
        o.target.replace = options_.replace;
        o.target.allow_existing = options_.allow_existing();
        o.target.resumes = is_ours(root.string());
        o.target.names_collide = [this] { return names_collide(); };
        o.driver_api = [this]() -> std::optional<int> {
            auto program = probe_program();
            if (!program.ok()) return std::nullopt;
            std::map<std::string, std::string> environment;
            if (std::string path = user_environment()["LD_LIBRARY_PATH"]; !path.empty())
                environment["LD_LIBRARY_PATH"] = path;
            return ask_driver_api(*program, environment);
        };
        return run_preflight(manifest_, SystemRoot::from_environment(), o);
    }

    Result<int> check() {
        TRY_ASSIGN(std::string prefix, prefix_from(options_.prefix));
        Preflight found = preflight(prefix);
        auto failure = failure_of(found.findings);
        ReportFacts in = facts_for("check", prefix, &found);
        in.exit_code = failure ? static_cast<int>(*failure) : 0;
        return report(in, {});
    }

    // ---- installing
    // ---------------------------------------------------------------------------------------------

    // Constructor's habit: with neither -b nor a terminal nobody can be asked, and that counts as -b.
    bool interactive() const { return !options_.batch && (options_.ask || ::isatty(0) == 1); }

    Result<std::string> choose_prefix() const {
        TRY_ASSIGN(std::string prefix, prefix_from(options_.prefix));
        if (!interactive()) {
            if (!options_.batch)
                terminal().note("batch", "standard input is no terminal: nothing is asked, the licences count as accepted (-b); "
                                         "-i asks all the same");
            return prefix;
        }
        TRY_ASSIGN(std::string licenses, license_texts());
        Welcome welcome{manifest_.name, package_summary(), format_bytes(manifest_.install.bytes),
                        std::move(licenses), prefix};
        TRY_ASSIGN(Answers answers, ask(Console::terminal(), welcome, options_.prefix.empty()));
        return prefix_from(answers.prefix);
    }

    static InstallFacts facts_of(const InstallSummary& summary) {
        InstallFacts facts;
        facts.files = summary.files;
        facts.bytes = summary.bytes;
        facts.resumed = summary.resumed;
        facts.already_complete = summary.already_complete;
        facts.stages = summary.seconds;
        for (const auto& [stage, seconds] : summary.seconds)
            facts.seconds += seconds;
        facts.io = summary.io;
        facts.warnings = summary.warnings;
        if (summary.script_failure) facts.script_failure = summary.script_failure->message;
        return facts;
    }

    Result<int> install_all() {
        TRY_ASSIGN(std::vector<Shell> shells, shells_to_init());
        TRY_ASSIGN(std::string asked, choose_prefix());
        const auto [prefix, root] = place_of(asked);
        Preflight found = preflight(asked);
        show_problems(found.findings);
        if (auto failure = failure_of(found.findings)) {
            ReportFacts in = facts_for("install", prefix, &found);
            in.exit_code = static_cast<int>(*failure);
            terminal().error(
                fmt::format("nothing was installed: {} of the checks above failed",
                            std::ranges::count(found.findings, Severity::error, &Finding::severity)));
            return report(in, {}, false);
        }
        terminal().note("installing", fmt::format("{} into '{}'", manifest_.name, prefix));
        auto installed = install(run(), manifest_, install_options(asked));
        terminal().end_progress();
        if (!installed.ok()) {
            if (installed.error().kind == ErrorKind::interrupted)
                return make_error(ErrorKind::interrupted, "{}; run the same command again to go on",
                                  installed.error().message);
            return std::move(installed).error();
        }
        InstallFacts facts = facts_of(*installed);
        for (const std::string& warning : facts.warnings)
            terminal().warning(warning);
        if (!facts.script_failure.empty()) terminal().error(facts.script_failure);
        const std::vector<ShellChange> shell_changes = init_conda(asked, prefix, root, shells, facts);

        Verification verified = verify(prefix, found.verdict);
        if (interrupted)
            return make_error(ErrorKind::interrupted,
                              "the verification was interrupted; '{}' is installed, --verify-only tests it",
                              prefix);
        std::optional<ErrorKind> failure = verified.failure;
        if (!facts.script_failure.empty() && !failure) failure = ErrorKind::script;
        if (!failure)
            (void)record_stage(root, InstallStage::verified); // a read-only prefix loses only this mark
        ReportFacts in = facts_for("install", prefix, &found, &facts, &verified);
        if (!shell_changes.empty()) in.shells = &shell_changes;
        in.exit_code = failure ? static_cast<int>(*failure) : 0;
        TRY_ASSIGN(int code, report(in, root));
        say_what_next(prefix, shell_changes);
        return code;
    }

    // ---- conda init
    // ---------------------------------------------------------------------------------------------

    Result<std::vector<Shell>> shells_to_init() const {
        if (!options_.init_shells.empty()) return parse_shells(options_.init_shells);
        return shells_in_use(ShellPlaces::from_environment());
    }

    // The question of constructor's installers, asked like there when the files are in place.
    bool wants_conda_init(const std::string& conda, const std::vector<Shell>& shells,
                          const ShellPlaces& places) const {
        if (options_.conda_init) return true;
        // A conda that was there before is its owner's business.
        if (!interactive() || manifest_.base == "none" || !would_init_shells(conda, shells, places)) return false;
        return ask_conda_init(Console::terminal(), conda);
    }

    std::vector<ShellChange> init_conda(const std::string& asked, const std::string& prefix,
                                        const std::string& root, const std::vector<Shell>& shells,
                                        InstallFacts& facts) const {
        const std::string conda = is_conda_prefix(asked) ? asked : is_conda_prefix(prefix) ? prefix : "";
        if (conda.empty()) {
            if (options_.conda_init) facts.notes.push_back(without_conda(prefix));
            return {};
        }
        const ShellPlaces places = ShellPlaces::from_environment();
        if (!wants_conda_init(conda, shells, places)) return {};
        auto changes = init_shells(conda, shells, places, fs::path(root) / ".tinderbox" / "shell-init");
        for (const ShellChange& change : changes) {
            if (change.outcome == ShellChange::Outcome::failed)
                terminal().warning(fmt::format("conda init {}: {}", to_string(change.shell), change.words));
            else
                terminal().note(change.outcome == ShellChange::Outcome::modified ? "modified" : "no change",
                                change.file.string());
        }
        return changes;
    }

    // -c where there is nothing that `conda init` could initialize.
    static std::string without_conda(const std::string& prefix) {
        return fmt::format("-c changed no start-up file: this installer brings no conda. For the environment in every new "
                           "shell, add this line to its start-up file: . {}",
                           shell_quote(prefix + "/bin/activate"));
    }

    Verification verify(const std::string& prefix, const GpuVerdict& verdict) const {
        terminal().note("verifying",
                        verdict.outcome == GpuVerdict::Outcome::usable ? "GPU and imports" : "imports");
        VerifyInputs in{manifest_,          verdict, prefix, user_environment(), options_.no_gpu,
                        options_.run_tests, {}};
        if (!choose_probe(manifest_).empty()) in.probe_program = [this] { return probe_program(); };
        in.gpu_memory = options_.gpu_memory;
        return verify_environment(in);
    }

    void show_problems(const std::vector<Finding>& findings) const {
        std::vector<Finding> problems;
        std::ranges::copy_if(findings, std::back_inserter(problems),
                             [](const Finding& f) { return f.severity >= Severity::warning; });
        if (problems.empty()) return;
        std::string text = render_findings_text(to_json(problems), terminal().colour());
        for (std::string_view line : split_lines(text))
            if (!line.empty()) terminal().line(line);
    }

    void say_what_next(const std::string& prefix, const std::vector<ShellChange>& shells) const {
        if (options_.json && options_.conda_init && shells.empty()) terminal().line(without_conda(prefix));
        const bool changed = std::ranges::any_of(
            shells, [](const ShellChange& c) { return c.outcome == ShellChange::Outcome::modified; });
        if (changed)
            terminal().line("\n==> For changes to take effect, close and re-open your current shell. <==\n");
        terminal().note("activate", activation_command(prefix));
        if (changed)
            terminal().note("", fmt::format("or, in a new shell: conda activate {}", shell_quote(name_for_conda(prefix))));
    }

    // "ml-dev" of CONDA/envs/ml-dev, else the path.
    static std::string name_for_conda(const std::string& prefix) {
        const fs::path path = prefix;
        return path.parent_path().filename() == "envs" ? path.filename().string() : prefix;
    }

    Result<int> extract() {
        TRY_ASSIGN(std::string directory, prefix_from(options_.extract_to));
        TargetNeeds needs;
        needs.install = manifest_.install;
        needs.names_collide = [this] { return names_collide(); };
        auto findings = judge_target(read_target_facts(directory), needs);
        show_problems(findings);
        if (auto failure = failure_of(findings)) return static_cast<int>(*failure);
        auto extracted = extract_to(run(), manifest_, directory, install_options(directory));
        terminal().end_progress();
        if (!extracted.ok()) return std::move(extracted).error();
        InstallFacts facts = facts_of(*extracted);
        ReportFacts in = facts_for("extract", directory, nullptr, &facts);
        return report(in, {});
    }

    Result<int> verify_only() {
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
    Result<int> remove() {
        TRY_ASSIGN(Place place, find_installed());
        const std::string& root = place.root;
        if (interactive()) {
            auto sure = ask_yes_no(Console::terminal(),
                                   fmt::format("Remove the environment in '{}'{}?", root,
                                               options_.purge ? " with everything in it" : ""),
                                   false);
            if (!sure.value_or(false)) return make_error(ErrorKind::interrupted, "nothing was removed");
        }
        UninstallOptions how;
        how.purge = options_.purge;
        if (interactive())
            how.purge_them = [&](const std::vector<std::string>& kept) {
                return ask_purge(Console::terminal(), root, kept);
            };
        std::vector<ShellChange> shells;
        how.begin = [&] { shells = undo_conda_init(root); };
        TRY_ASSIGN(UninstallSummary removed, uninstall(root, how));
        for (const std::string& path : removed.kept)
            terminal().note("kept", root + "/" + path);
        if (options_.json)
            write_stdout(json({{"removed", removed.removed}, {"kept", removed.kept}, {"shells", to_json(shells)}})
                             .dump(2, ' ', false, json::error_handler_t::replace) +
                         "\n");
        else
            write_stdout(fmt::format("{} files removed from '{}', {} kept\n", removed.removed, root,
                                     removed.kept.size()));
        return 0;
    }

    std::vector<ShellChange> undo_conda_init(const std::string& root) const {
        auto undone = undo_shells(fs::path(root) / ".tinderbox" / "shell-init");
        if (!undone.ok()) {
            terminal().warning(undone.error().message);
            return {};
        }
        for (const ShellChange& change : *undone) {
            const std::string words = change.words.empty() ? "" : " (" + change.words + ")";
            if (change.outcome == ShellChange::Outcome::failed)
                terminal().warning(fmt::format("'{}' still holds the lines of conda init: {}", change.file.string(), change.words));
            else
                terminal().note(to_string(change.outcome), change.file.string() + words);
        }
        return *std::move(undone);
    }

    // ---- the report
    // ---------------------------------------------------------------------------------------------

    ReportFacts facts_for(const char* mode, const std::string& prefix, const Preflight* preflight,
                          const InstallFacts* installed = nullptr,
                          const Verification* verification = nullptr) const {
        return {mode,
                installed_ ? manifest_.name + ".run" : run().path().filename().string(),
                installed_ ? 0 : run().total_size(),
                manifest_sha256(),
                manifest_,
                prefix,
                preflight,
                installed,
                verification,
                0,
                ::time(nullptr),
                nullptr};
    }

    // Shows it, and writes it below `prefix` (when not empty; a read-only prefix is no error) and where
    // --report says.
    Result<int> report(const ReportFacts& in, const std::string& prefix, bool show = true) const {
        json value = make_report(in);
        if (options_.json)
            write_stdout(value.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
        else if (show)
            write_stdout(render_report_text(value, terminal().colour() && ::isatty(1) == 1));
        const std::string page =
            options_.report_file.empty() && prefix.empty() ? "" : render_report_html(value);
        if (!prefix.empty() && ::access((prefix + "/.tinderbox").c_str(), W_OK) == 0) {
            (void)write_atomically(prefix + "/.tinderbox/report.html", page);
            (void)write_atomically(prefix + "/.tinderbox/report.json",
                                   value.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
        }
        if (!options_.report_file.empty()) TRY(write_atomically(fs::absolute(options_.report_file), page));
        return in.exit_code;
    }

    std::optional<RunFile> run_; // nothing exactly when installed_ is there
    Manifest manifest_;
    RunOptions options_;
    std::optional<InstalledState> installed_;
};

// ---- from arguments to an exit code
// -------------------------------------------------------------------------------

// Volumes that are not beside the first one are asked for where somebody can answer.
VolumeFinder volume_finder(const RunOptions& options) {
    const bool can_ask = options.mode != Mode::help && !options.batch && (options.ask || ::isatty(0) == 1);
    if (!can_ask) return {};
    return [](const std::string& name, const std::string& problem) { return ask_volume(Console::terminal(), name, problem); };
}

Status check_signature_of(const RunFile& run, const RunOptions& options) {
    TRY_ASSIGN(VerifyingKey key, VerifyingKey::read(options.key_file));
    Terminal& terminal = Terminal::get();
    auto progress = [&](std::uint64_t done) { terminal.progress("checking the signature", done, run.total_size()); };
    TRY(check_signature(run, key, options.jobs, progress));
    terminal.end_progress();
    terminal.note("signed", fmt::format("by the key '{}'", options.key_file));
    return {};
}

Result<int> run_with(const fs::path& file, const RunOptions& options) {
    auto run = RunFile::open(file, volume_finder(options));
    if (options.mode == Mode::help) {
        // Help is given even by a damaged file.
        std::string name = run.ok() ? run->manifest().value("env_name", "") : "";
        std::string version = run.ok() ? run->manifest().value("tinderbox_version", "") : "";
        write_stdout(
            help_text(file.filename().string(), name.empty() ? file.stem().string() : name, version));
        return 0;
    }
    if (!run.ok()) return std::move(run).error();
    auto manifest = manifest_from_json(run->manifest());
    if (!manifest.ok()) return std::move(manifest).error().in(file.string());
    if (options.mode == Mode::version) {
        write_stdout(
            fmt::format("{} made by Tinderbox {}\n", file.filename().string(), manifest->tinderbox_version));
        return 0;
    }
    if (!options.key_file.empty()) TRY(check_signature_of(*run, options));
    return Session(*std::move(run), *std::move(manifest), options).go();
}

// PREFIX from /proc/self/exe when that is PREFIX/.tinderbox/stub; else "".
std::string own_prefix() {
    std::error_code error;
    fs::path self = fs::read_symlink("/proc/self/exe", error);
    bool inside = !error && self.filename() == "stub" && self.parent_path().filename() == ".tinderbox";
    return inside ? self.parent_path().parent_path().string() : std::string();
}

Result<int> run_installed(const std::string& prefix, RunOptions options) {
    if (options.mode != Mode::verify_only && options.mode != Mode::uninstall && options.mode != Mode::list)
        return make_error(ErrorKind::usage, "an installed environment knows --verify-only, --uninstall and "
                                            "--list; everything else needs its .run");
    options.prefix = prefix;
    TRY_ASSIGN(auto state, read_state(prefix));
    if (!state) return make_error(ErrorKind::storage, "'{}' holds no environment of Tinderbox", prefix);
    return Session(*std::move(state), std::move(options)).go();
}

int fail(const Error& error, bool as_json) {
    Terminal::get().end_progress();
    Terminal::get().error(error.message);
    if (as_json)
        write_stdout(json({{"error", error.message}, {"exit_code", static_cast<int>(error.kind)}})
                         .dump(2, ' ', false, json::error_handler_t::replace) +
                     "\n");
    return static_cast<int>(error.kind);
}

int run_main(int argc, char** argv) {
    const std::vector<std::string> words(argv, argv + argc);
    // The header asks whether programs start at all from where it has put us.
    if (words.size() == 2 && words[1] == "--tinderbox-ping") return 0;
    const bool from_run = words.size() >= 4 && words[1] == "--tinderbox-run" && words[3] == "--";
    const std::string installed = from_run ? "" : own_prefix();
    if (!from_run && installed.empty())
        return fail(make_error(ErrorKind::usage, "this program is a part of a NAME.run; start that one"),
                    false);
    // The header ignores these before it starts us, so that nothing ends us before our copy is removed.
    struct sigaction action {};
    action.sa_handler = on_signal;
    for (int signal : {SIGINT, SIGTERM, SIGHUP})
        ::sigaction(signal, &action, nullptr);
    if (from_run) remove_own_copy(argv[0]);
    const auto first = words.begin() + (from_run ? 4 : 1);
    const bool wants_json = std::find(first, words.end(), "--json") != words.end();
    auto options = parse_options({first, words.end()});
    if (!options.ok()) return fail(options.error(), wants_json);
    Terminal::get().set_quiet(options->quiet);
    Fd log;
    if (!options->log_file.empty()) {
        auto opened = open_file(options->log_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (!opened.ok()) return fail(opened.error(), wants_json);
        log = *std::move(opened);
        Terminal::get().set_log_fd(log.get());
    }
    auto code = from_run ? run_with(words[2], *options) : run_installed(installed, *options);
    return code.ok() ? *code : fail(code.error(), wants_json);
}

} // namespace
} // namespace tinderbox

int main(int argc, char** argv) {
    try {
        return tinderbox::run_main(argc, argv);
    } catch (const std::bad_alloc&) {
        return tinderbox::fail({tinderbox::ErrorKind::storage,
                                "there is not enough memory; end other programs, or use --jobs 1"},
                               false);
    } catch (const std::exception& e) {
        return tinderbox::fail({tinderbox::ErrorKind::bug,
                                std::string("a bug in Tinderbox: ") + e.what() + "; please report it"},
                               false);
    }
}
