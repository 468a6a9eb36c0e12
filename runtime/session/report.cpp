// The report of a run: shown, kept in the prefix, and written where --report says.
#include "common/base/output_file.hpp"
#include "common/base/wrap.hpp"
#include "common/format/manifest.hpp"
#include "runtime/place/control_files.hpp"
#include "runtime/session/session.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <ctime>

namespace tinderbox::session {

using nlohmann::json;

namespace {

// A file's name of a host's: letters, digits, '-', '_' and '.', which does not come first.
std::string file_name_of(std::string name) {
    std::ranges::replace_if(
        name,
        [](char c) {
            const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            return !plain && c != '-' && c != '_' && c != '.';
        },
        '_');
    if (name.empty() || name.starts_with('.')) name.insert(0, 1, '_');
    return name;
}

bool is_directory_name(const std::string& path) {
    std::error_code ec;
    return path.ends_with('/') || fs::is_directory(path, ec);
}

} // namespace

// Before anything is done: afterwards it would be too late for another name.
Status Session::check_report_place() const {
    if (!options_.no_host || options_.report_file.empty() || !is_directory_name(options_.report_file)) return {};
    return make_error(ErrorKind::usage,
                      "--report {} names the files by host, and --no-host leaves that name out; name a file",
                      options_.report_file);
}

machine::HostFacts Session::host_facts() const {
    machine::HostFacts host = machine::read_host_facts(machine::SystemRoot::from_environment());
    if (options_.no_host) host.name.clear();
    return host;
}

verify::ReportFacts Session::facts_for(verify::ReportMode mode, const std::string& prefix,
                                       const preflight::Preflight* preflight, const verify::InstallFacts* installed,
                                       const verify::Verification* verification) const {
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
            nullptr,
            host_facts()};
}

// One sentence of a result, on standard output.
void Session::say(std::string_view sentence) const {
    if (options_.quiet) terminal().line(sentence); // for the log alone
    else write_output(fmt::format("{}\n", sentence));
}

// The installation's own report stays; what is found out later lies beside it.
void Session::keep_report(const verify::ReportFacts& in, const std::string& prefix, const std::string& page,
                          const json& value) const {
    auto control = place::open_control(prefix, place::Access::write);
    if (!control.ok() || !*control) return; // a read-only prefix is no error
    const bool later = in.mode == verify::ReportMode::verify_only || (in.installed && in.installed->already_complete);
    const bool beside = later && (*control)->exists(place::control::report_json);
    (void)(*control)->write_atomically(beside ? place::control::verification_html : place::control::report_html, page);
    (void)(*control)->write_atomically(beside ? place::control::verification_json : place::control::report_json,
                                       format::canonical_json(value));
}

Status Session::write_report(const verify::ReportFacts& in, const std::string& page, const json& value) const {
    if (!is_directory_name(options_.report_file)) return write_output_file(options_.report_file, page);
    TRY(make_directories(options_.report_file));
    const std::string name = file_name_of(in.host->name);
    TRY(write_output_file(fs::path(options_.report_file) / (name + ".html"), page));
    return write_output_file(fs::path(options_.report_file) / (name + ".json"), format::canonical_json(value));
}

// With --quiet, what the table would have said of failures. Findings of preflight were shown before.
void Session::say_failures(const verify::ReportFacts& in) const {
    if (in.exit_code == 0) return;
    terminal().error(fmt::format("{}: {}", manifest_.name, verify::summary_sentence(in)));
    if (!in.verification) return;
    const verify::Verification& verified = *in.verification;
    if (verified.gpu == verify::Verification::Gpu::failed) terminal().error("GPU: failed: " + verified.reason);
    for (const verify::ImportCheck& check : verified.imports.checks)
        if (!check.ok && check.sentence != verified.reason)
            terminal().error(check.sentence + (check.advice.empty() ? "" : "; " + check.advice));
}

// `prefix`: keeps it there as well; "" = nowhere.
Result<int> Session::report(const verify::ReportFacts& in, const std::string& prefix, bool show) const {
    const json value = verify::make_report(in);
    if (options_.json) write_output(format::canonical_json(value));
    else if (show && options_.quiet) {
        terminal().line(ui::render_report_text(value, false)); // for the log alone
        say_failures(in);
    } else if (show)
        write_output(ui::render_report_text(value, terminal().colour() && ::isatty(1) == 1, terminal_width(1)),
                     ui::render_report_text(value, false));
    (void)flush_output(); // what is said next belongs behind it; main() tells of a failure
    if (options_.report_file.empty() && prefix.empty()) return in.exit_code;
    const std::string page = ui::render_report_html(value);
    if (!prefix.empty()) keep_report(in, prefix, page, value);
    if (!options_.report_file.empty()) TRY(write_report(in, page, value));
    return in.exit_code;
}

} // namespace tinderbox::session
