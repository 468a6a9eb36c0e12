#include "runtime/session/session.hpp"

#include "common/base/parallel.hpp"
#include "common/base/text.hpp"
#include "runtime/install/records.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <unordered_set>

namespace tinderbox {

using nlohmann::json;

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

Session::Session(RunFile run, Manifest manifest, RunOptions options, const std::atomic<bool>& interrupted)
    : run_(std::move(run)), manifest_(std::move(manifest)), options_(std::move(options)), interrupted_(interrupted) {}

Session::Session(InstalledState installed, RunOptions options, const std::atomic<bool>& interrupted)
    : manifest_(installed.manifest), options_(std::move(options)), installed_(std::move(installed)),
      interrupted_(interrupted) {}

std::string Session::manifest_sha256() const {
    return installed_ ? installed_->manifest_sha256 : to_hex(run().manifest_sha256());
}

Result<int> Session::go() {
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
    case Mode::integrity:
        return integrity();
    case Mode::repair:
        return repair();
    case Mode::uninstall:
        return remove();
    default:
        return install_all();
    }
}

Result<std::string> Session::prefix_from(std::string_view written) const {
    std::error_code error;
    std::string home = variable("HOME"), cwd = fs::current_path(error).string();
    if (written.empty()) {
        if (home.empty())
            return make_error(ErrorKind::usage, "$HOME is not set, so there is no default place; name one with -p");
        return resolve_prefix(home + "/" + manifest_.name, home, cwd);
    }
    return resolve_prefix(written, home, cwd);
}

InstallOptions Session::install_options(const std::string& prefix) const {
    InstallOptions o;
    o.prefix = prefix;
    o.allow_existing = options_.allow_existing();
    o.replace = options_.replace;
    o.manifest_sha256 = manifest_sha256();
    o.skip_scripts = options_.skip_scripts;
    o.unattended = !interactive();
    o.keep_packages = options_.keep_packages;
    o.private_modes = options_.private_files;
    o.jobs = options_.jobs;
    // A way around a kernel or a file system that misbehaves; also how tests/bench measures the fallbacks.
    const std::string io = variable("TINDERBOX_IO");
    o.no_uring = io.find("no-uring") != std::string::npos;
    o.no_direct = io.find("no-direct") != std::string::npos;
    o.interrupted = &interrupted_;
    o.progress = [this](const InstallProgress& p) {
        terminal().progress(p.stage, p.done, p.total, p.stage == "extract" ? "B" : "");
    };
    return o;
}

Session::Place Session::place_of(const std::string& asked) const {
    const InstallOptions o = install_options(asked);
    return {environment_prefix(manifest_, o).string(), installed_root(manifest_, o).string()};
}

Result<Session::Place> Session::find_installed() const {
    TRY_ASSIGN(std::string asked, prefix_from(options_.prefix));
    Place place = place_of(asked);
    if (is_ours(place.root)) return place;
    // Added to a conda: the environment's own prefix need not be spelled out.
    const std::string inside = asked + "/envs/" + manifest_.env_name;
    if (manifest_.base == "none" && is_ours(inside)) return Place{inside, inside};
    return make_error(ErrorKind::storage, "'{}' does not hold this installer's environment; name its prefix with -p",
                      asked);
}

// Whether this very environment is at the prefix already, whole or begun.
bool Session::is_ours(const std::string& prefix) const {
    auto text = read_text(fs::path(prefix) / ".tinderbox" / "state", 1u << 20);
    if (!text.ok()) return false;
    auto state = parse_state(*text);
    return state && state->manifest_sha256 == manifest_sha256();
}

// Names that differ only in case: legal (ncurses has them), but not on every file system.
bool Session::names_collide() const {
    auto table = run().table();
    if (!table.ok()) return false; // the installation will say so
    std::unordered_set<std::string> seen;
    return std::ranges::any_of(table->destinations, [&](const Destination& d) {
        return !seen.insert(std::to_string(prefix_index(d.root)) + " " + to_lower(d.path)).second;
    });
}

std::string Session::probe_name() const { return choose_probe(manifest_.probes, manifest_.requires_.cuda_major); }

Result<Bytes> Session::probe_program() const {
    if (installed_) return read_bytes(fs::path(options_.prefix) / ".tinderbox" / probe_name(), 64u << 20);
    const Section* section = run().section("probe:" + probe_name());
    if (!section) return make_error(ErrorKind::bug, "this installer carries no CUDA probe");
    return run().read_section(*section);
}

Preflight Session::preflight(const std::string& prefix) const {
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

Result<int> Session::check() {
    TRY_ASSIGN(std::string prefix, prefix_from(options_.prefix));
    Preflight found = preflight(prefix);
    auto failure = failure_of(found.findings);
    ReportFacts in = facts_for("check", prefix, &found);
    in.exit_code = failure ? static_cast<int>(*failure) : 0;
    return report(in, {});
}

Verification Session::verify(const std::string& prefix, const GpuVerdict& verdict) const {
    terminal().note("verifying", verdict.outcome == GpuVerdict::Outcome::usable ? "GPU and imports" : "imports");
    VerifyInputs in{manifest_,
                    verdict,
                    prefix,
                    user_environment(),
                    options_.no_gpu,
                    options_.run_tests,
                    options_.jobs != 0 ? options_.jobs : available_cpus(),
                    {}};
    if (!probe_name().empty()) in.probe_program = [this] { return probe_program(); };
    in.gpu_memory = options_.gpu_memory;
    return verify_environment(in);
}

void Session::show_problems(const std::vector<Finding>& findings) const {
    std::vector<Finding> problems;
    std::ranges::copy_if(findings, std::back_inserter(problems),
                         [](const Finding& f) { return f.severity >= Severity::warning; });
    if (problems.empty()) return;
    std::string text = render_findings_text(to_json(problems), terminal().colour(), terminal_width(2));
    for (std::string_view line : split_lines(text))
        if (!line.empty()) terminal().line(line);
}

ReportFacts Session::facts_for(const char* mode, const std::string& prefix, const Preflight* preflight,
                               const InstallFacts* installed, const Verification* verification) const {
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
Result<int> Session::report(const ReportFacts& in, const std::string& prefix, bool show) const {
    json value = make_report(in);
    if (options_.json) write_stdout(value.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
    else if (show) write_stdout(render_report_text(value, terminal().colour() && ::isatty(1) == 1, terminal_width(1)));
    const std::string page = options_.report_file.empty() && prefix.empty() ? "" : render_report_html(value);
    if (!prefix.empty() && ::access((prefix + "/.tinderbox").c_str(), W_OK) == 0) {
        (void)write_atomically(prefix + "/.tinderbox/report.html", page);
        (void)write_atomically(prefix + "/.tinderbox/report.json",
                               value.dump(2, ' ', false, json::error_handler_t::replace) + "\n");
    }
    if (!options_.report_file.empty()) TRY(write_atomically(fs::absolute(options_.report_file), page));
    return in.exit_code;
}

} // namespace tinderbox
