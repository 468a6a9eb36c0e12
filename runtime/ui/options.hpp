// The command line of NAME.run: constructor's letters with constructor's meaning, and long options beside
// them.
#pragma once

#include "common/base/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::ui {

enum class Mode {
    install,
    help,
    version,
    check,       // preflight only
    list,        // packages
    info,        // a summary
    license,     // every licence text
    extract,     // the files alone: nothing is run, registered or verified
    verify_file, // every byte, installs nothing
    verify_only, // GPU and imports of an installed prefix
    integrity,   // every file of an installed prefix
    repair,      // restores those that are damaged or missing
    uninstall,
};

struct RunOptions {
    Mode mode = Mode::install;
    bool batch = false;          // -b
    bool ask = false;            // -i: ask even when standard input is no terminal
    bool force = false;          // -f
    bool update = false;         // -u
    bool replace = false;        // --replace
    bool keep_packages = false;  // -k
    bool skip_scripts = false;   // -s
    bool skip_shortcuts = false; // -m
    bool run_tests = false;      // -t
    bool conda_init = false;     // -c
    std::string init_shells;     // --init-shells, which implies -c; "" = those in use
    std::string prefix;          // -p, as written; "" = not given
    std::string extract_to;      // --extract DIR
    std::string log_file, report_file;
    std::string key_file; // --key PUB.pem
    bool purge = false;   // --purge, with --uninstall
    bool json = false, no_gpu = false, private_files = false, quiet = false;
    unsigned jobs = 0;             // 0 = all cores
    std::optional<int> gpu_memory; // --gpu-memory: percent of the free memory that is tested

    bool allow_existing() const { return force || update; }
};

// `arguments` without the program's name. Errors are of kind usage and suggest the nearest option.
Result<RunOptions> parse_options(const std::vector<std::string>& arguments);

// `name` is the file's name as the user started it.
std::string help_text(std::string_view name, std::string_view environment, std::string_view version);

} // namespace tinderbox::ui
