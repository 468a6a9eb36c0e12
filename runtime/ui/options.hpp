// The command line of NAME.run: the one-letter options of constructor's installers with the same meaning, and long
// options.
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
    check,       // finds problems and writes nothing
    list,        // prints the packages
    info,        // prints a summary
    describe,    // prints what this machine is, and what is installed in a prefix
    license,     // prints every licence text
    extract,     // writes the files only: runs, registers and verifies nothing
    verify_file, // checks every byte of this file, installs nothing
    verify_only, // tests GPU and imports of an installed prefix
    integrity,   // checks every file of an installed prefix
    repair,      // restores damaged and missing files of an installed prefix
    uninstall,
    generations, // lists the environments that were at a prefix before
    rollback,    // brings one of them back
};

struct RunOptions {
    Mode mode = Mode::install;
    bool batch = false;          // -b
    bool ask = false;            // -i: ask even when standard input is no terminal
    bool force = false;          // -f
    bool update = false;         // -u
    bool replace = false;        // --replace
    unsigned keep = 0;           // --keep: generations of what is replaced; 0: none
    unsigned generation = 0;     // --rollback N; 0: the newest
    bool keep_packages = false;  // -k
    bool skip_scripts = false;   // -s
    bool skip_shortcuts = false; // -m
    bool run_tests = false;      // -t
    bool conda_init = false;     // -c
    std::string init_shells;     // --init-shells, which implies -c; "" = the shells in use
    std::string prefix;          // -p, as written; "" = not given
    std::string extract_to;      // --extract DIR
    std::string log_file, report_file;
    std::string key_file; // --key PUB.pem
    bool purge = false;   // --purge, with --uninstall, --rollback or --replace
    bool as_owner = false, allow_shared = false;
    bool no_host = false;                       // --no-host: the report does not name this machine
    bool with_host = false, list_files = false; // --with-host, --files, both with --describe
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
