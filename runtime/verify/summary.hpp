// The report as one JSON value (docs/inside/report.schema.json), made from the results of preflight, installation and
// verification.
#pragma once

#include "common/machine/host.hpp"
#include "runtime/install/shell_init.hpp"
#include "runtime/preflight/preflight.hpp"
#include "runtime/verify/verify.hpp"

#include <nlohmann/json_fwd.hpp>

namespace tinderbox::verify {

// The report's facts about an installation.
struct InstallFacts {
    std::uint64_t files = 0, bytes = 0;
    bool resumed = false, already_complete = false;
    double seconds = 0;
    std::vector<std::pair<std::string, double>> stages;
    std::string io;                    // the way in which the files were written
    std::vector<std::string> warnings; // one sentence each
    std::vector<std::string> notes;    // likewise
    std::string script_failure;        // "" = no script failed
};

// What ran, as the report names it.
enum class ReportMode { check, install, extract, verify_only };
std::string_view to_string(ReportMode mode); // "check", "install", "extract", "verify-only"

struct ReportFacts {
    ReportMode mode = ReportMode::install;
    std::string file; // the installer's name, size in bytes, and its manifest's SHA-256 (hex)
    std::uint64_t file_size = 0;
    std::string manifest_sha256;
    const format::Manifest& manifest;
    std::string prefix;
    const preflight::Preflight* preflight = nullptr; // this and the next two: nullptr = was not run
    const InstallFacts* installed = nullptr;
    const Verification* verification = nullptr;
    int exit_code = 0;
    std::int64_t now = 0;                                      // seconds since 1970
    const std::vector<install::ShellChange>* shells = nullptr; // changes of start-up files
    std::optional<machine::HostFacts> host;
    // For the person who goes on: paths of what the maker sent along, a program of the environment, and the words that
    // activate the environment in a new shell after conda init. Empty: there is none.
    std::vector<std::string> included;
    std::string start, activate_with_conda;
};

nlohmann::json make_report(const ReportFacts& inputs);

// The headline: what was done, then what is wrong, the worst first, then the GPU's state. Reasons stand in the rows.
// "installed in '/opt/x'; 2 imports fail in your shell; GPU: not verified"
std::string summary_sentence(const ReportFacts& inputs);

// The program to begin with: "jupyter lab" when the environment has it, else "python"; "" without a Python.
std::string first_program(const format::Manifest& manifest);

// The command that activates the environment, quoted for a POSIX shell.
std::string activation_command(const std::string& prefix);

} // namespace tinderbox::verify
