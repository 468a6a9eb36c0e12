#include "runtime/session/session.hpp"

#include "common/base/parallel.hpp"
#include "common/base/process.hpp"
#include "common/base/text.hpp"
#include "common/base/users.hpp"
#include "common/base/wrap.hpp"
#include "runtime/install/carry_over.hpp"
#include "runtime/place/control_files.hpp"
#include "runtime/place/kept.hpp"
#include "runtime/session/owner.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace tinderbox::session {

using nlohmann::json;

Session::Session(format::RunFile run, format::Manifest manifest, ui::RunOptions options,
                 const std::atomic<bool>& interrupted)
    : run_(std::move(run)), manifest_(std::move(manifest)), options_(std::move(options)), interrupted_(interrupted) {}

Session::Session(place::InstalledEnvironment installed, ui::RunOptions options, const std::atomic<bool>& interrupted)
    : manifest_(installed.manifest), options_(std::move(options)), installed_(std::move(installed)),
      interrupted_(interrupted) {}

std::string Session::manifest_sha256() const {
    return installed_ ? installed_->state.manifest_sha256 : to_hex(run().manifest_sha256());
}

Result<int> Session::go() {
    TRY(check_report_place());
    if (options_.keep > 0 && !options_.replace && !manifest_.update)
        return make_error(ErrorKind::usage, "--keep goes with --replace, or with an update");
    if (options_.as_owner) TRY(become_owner());
    switch (options_.mode) {
    case ui::Mode::list:
        return list();
    case ui::Mode::info:
        return info();
    case ui::Mode::describe:
        return describe();
    case ui::Mode::license:
        return license();
    case ui::Mode::verify_file:
        return verify_file();
    case ui::Mode::check:
        return check();
    case ui::Mode::extract:
        return extract();
    case ui::Mode::verify_only:
        return verify_only();
    case ui::Mode::integrity:
        return integrity();
    case ui::Mode::repair:
        return repair();
    case ui::Mode::uninstall:
        return remove();
    case ui::Mode::generations:
        return generations();
    case ui::Mode::rollback:
        return rollback();
    default:
        return install_all();
    }
}

Result<std::string> Session::prefix_from(std::string_view written) const {
    std::error_code error;
    std::string home = environment_variable("HOME"), cwd = fs::current_path(error).string();
    if (written.empty()) {
        if (home.empty())
            return make_error(ErrorKind::usage, "$HOME is not set, so there is no default place; name one with -p");
        return place::resolve_prefix(home + "/" + manifest_.name, home, cwd);
    }
    return place::resolve_prefix(written, home, cwd);
}

namespace {

// The label of its progress line, and what is counted.
std::pair<std::string_view, std::string_view> words_of(install::InstallProgress::Work work) {
    using Work = install::InstallProgress::Work;
    switch (work) {
    case Work::extract:
        return {"extracting", "B"};
    case Work::sync:
        return {"syncing", "B"};
    case Work::bytecode:
        return {"bytecode", "file"};
    case Work::scripts:
        return {"scripts", "script"};
    case Work::compare:
        return {"comparing", "B"};
    case Work::remove:
        return {"removing", "file"};
    }
    return {};
}

} // namespace

install::InstallOptions Session::install_options() const {
    install::InstallOptions o;
    o.skip_scripts = options_.skip_scripts;
    o.unattended = !interactive();
    o.private_modes = options_.private_files;
    o.keep = options_.keep;
    static_cast<install::TreeWork&>(o) = tree_work();
    // A way around a kernel or a file system that misbehaves; also how tests/bench measures the fallbacks.
    const std::string io = environment_variable("TINDERBOX_IO");
    o.no_uring = io.find("no-uring") != std::string::npos;
    o.no_direct = io.find("no-direct") != std::string::npos;
    return o;
}

install::TreeWork Session::tree_work() const {
    install::TreeWork work;
    work.jobs = options_.jobs;
    work.interrupted = &interrupted_;
    work.progress = [this](const install::InstallProgress& p) {
        const auto [label, unit] = words_of(p.work);
        terminal().progress(label, p.done, p.total, unit);
    };
    return work;
}

// What is to be done after Ctrl-C: nothing that the installer does needs more than the same command.
Error Session::ended(Error error) const {
    if (error.kind == ErrorKind::interrupted) error.message += "; run the same command again to go on";
    return error;
}

place::Decision Session::decide(const std::string& prefix, bool extract_only) const {
    place::InstallRequest request;
    request.prefix = prefix;
    request.allow_existing = options_.allow_existing();
    request.replace = options_.replace;
    request.purge = options_.purge;
    request.keep_packages = options_.keep_packages;
    request.extract_only = extract_only;
    request.trust = trust();
    if (run_) request.control = place::control_needs(*run_, manifest_.install.inodes);
    return place::decide(manifest_, manifest_sha256(), request);
}

Result<place::Installed> Session::find_installed(place::Access access) const {
    TRY_ASSIGN(std::string prefix, prefix_from(options_.prefix));
    return place::find_installed(manifest_, manifest_sha256(), prefix, trust(), access);
}

// --as-owner, before anything is read from the prefix.
Status Session::become_owner() const {
    if (::geteuid() != 0)
        return make_error(ErrorKind::usage, "--as-owner is for root; you are {} already", describe_user(::geteuid()));
    const std::string& written = options_.mode == ui::Mode::extract ? options_.extract_to : options_.prefix;
    if (written.empty()) return make_error(ErrorKind::usage, "--as-owner needs the prefix; name it with -p");
    TRY_ASSIGN(std::string prefix, prefix_from(written));
    TRY_ASSIGN(uid_t owner, place::owner_of(prefix, manifest_.env_name, manifest_sha256()));
    if (owner == 0) return {};
    TRY(become_user(owner));
    terminal().note("as owner", fmt::format("{}, whose '{}' is", describe_user(owner), prefix));
    return {};
}

bool Session::names_collide() const {
    auto table = run().table();
    return table.ok() && format::names_differ_in_case(*table); // else the installation will say so
}

std::string Session::probe_name() const {
    return machine::choose_probe(manifest_.probes, manifest_.requires_.cuda_major);
}

Result<Bytes> Session::probe_program() const {
    if (installed_) return read_bytes(place::control_file(options_.prefix, probe_name()), 64u << 20);
    const format::Section* section = run().section("probe:" + probe_name());
    if (!section) return make_error(ErrorKind::bug, "this installer carries no CUDA probe");
    return run().read_section(*section);
}

preflight::Preflight Session::preflight(const place::Decision& decision, bool installed) const {
    preflight::PreflightOptions o;
    o.place = decision;
    o.no_gpu = options_.no_gpu;
    o.installed = installed;
    o.names_collide = [this] { return names_collide(); };
    o.driver_api = [this]() -> std::optional<int> {
        auto program = probe_program();
        if (!program.ok()) return std::nullopt;
        std::map<std::string, std::string> environment;
        if (std::string path = machine::user_environment()["LD_LIBRARY_PATH"]; !path.empty())
            environment["LD_LIBRARY_PATH"] = path;
        return machine::ask_driver_api(*program, environment);
    };
    return preflight::run_preflight(manifest_, machine::SystemRoot::from_environment(), o);
}

Result<int> Session::check() {
    TRY_ASSIGN(std::string prefix, prefix_from(options_.prefix));
    const place::Decision decision = decide(prefix);
    preflight::Preflight found = preflight(decision);
    // The installation itself asks this when it begins, because every file of the old environment is read for it.
    const auto begin = std::chrono::steady_clock::now();
    auto judged = install::refuse_carry_over(run(), decision, tree_work());
    terminal().end_progress();
    if (!judged.ok()) return ended(std::move(judged).error());
    found.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (auto refusal = *std::move(judged)) found.findings.push_back(preflight::finding_of(*std::move(refusal)));
    auto failure = machine::failure_of(found.findings);
    verify::ReportFacts in = facts_for(verify::ReportMode::check, prefix, &found);
    in.exit_code = failure ? static_cast<int>(*failure) : 0;
    if (options_.quiet) show_problems(found.findings); // else the table has them
    return report(in, {});
}

verify::Verification Session::verify(const std::string& prefix, const machine::GpuVerdict& verdict) const {
    const bool gpu = verdict.outcome == machine::GpuVerdict::Outcome::usable, imports = manifest_.python.has_value();
    if (gpu || imports) terminal().note("verifying", gpu && imports ? "GPU and imports" : gpu ? "GPU" : "imports");
    verify::VerifyInputs in{manifest_,
                            verdict,
                            prefix,
                            machine::user_environment(),
                            options_.no_gpu,
                            options_.run_tests,
                            options_.jobs != 0 ? options_.jobs : available_cpus(),
                            {},
                            {}};
    if (!probe_name().empty()) in.probe_program = [this] { return probe_program(); };
    in.gpu_memory = options_.gpu_memory;
    in.progress = [this](std::size_t done, std::size_t total, const std::string& name) {
        terminal().status("verifying", fmt::format("{} of {}: {}", done, total, name));
    };
    verify::Verification verified = verify::verify_environment(in);
    terminal().end_progress();
    return verified;
}

void Session::show_problems(const std::vector<machine::Finding>& findings) const {
    std::vector<machine::Finding> problems;
    std::ranges::copy_if(findings, std::back_inserter(problems),
                         [](const machine::Finding& f) { return f.severity >= machine::Severity::warning; });
    if (problems.empty()) return;
    if (options_.quiet) {
        for (const machine::Finding& problem : problems) {
            const std::string words = problem.sentence + (problem.advice.empty() ? "" : "; " + problem.advice);
            if (problem.severity == machine::Severity::error) terminal().error(words);
            else terminal().warning(words);
        }
        return;
    }
    const nlohmann::json shown = machine::to_json(problems);
    auto text = [&](bool colour, std::size_t width) {
        std::string out = ui::render_findings_text(shown, colour, width);
        if (out.ends_with('\n')) out.pop_back();
        return out;
    };
    terminal().line(text(terminal().colour(), terminal_width(2)), text(false, 0));
}

} // namespace tinderbox::session
