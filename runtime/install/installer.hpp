// The loader: NAME.run → an environment at a prefix. Stages: extract → relocate → commit → bytecode → scripts →
// registered (→ verified, recorded by the caller). docs/install.md has the rules of what survives a crash.
//
// Must: a committed prefix holds every file whole. Must: what was in the prefix before stays as it was.
#pragma once

#include "common/format/manifest.hpp"
#include "common/format/run_file.hpp"

#include <atomic>

namespace tinderbox {

// What PREFIX/.tinderbox/state records; each implies those before it.
enum class InstallStage { none, files, bytecode, scripts, registered, verified };
std::string_view to_string(InstallStage stage);

struct InstallProgress {
    std::string_view stage;            // "extract", "bytecode", "scripts"
    std::uint64_t done = 0, total = 0; // bytes while extracting, files or scripts afterwards; total 0 = unknown
};

namespace io {
class Faults;
}

struct InstallOptions {
    fs::path prefix;             // absolute, normalised, no trailing '/'; relocations name this path
    bool allow_existing = false; // -f, -u: an existing prefix that is not empty
    bool extract_only = false;   // --extract: the files alone, no .tinderbox, nothing is run
    bool skip_scripts = false;   // -s
    bool unattended = true;      // nothing is asked: scripts are told so
    bool keep_packages = false;  // -k: leave the base's package cache
    bool replace = false;        // --replace: an environment that is there, once the new one is complete
    std::string manifest_sha256; // hex, of the installer: what is its own is recognised by it; install() fills it in
    bool private_modes = false;  // --private: nothing for group and others
    bool compile_bytecode = true;
    bool register_environment = true;         // ~/.conda/environments.txt (HOME of the environment)
    unsigned jobs = 0;                        // threads; 0 = available_cpus()
    bool no_uring = false, no_direct = false; // force the fallbacks (tests, bench)
    bool sync = true;         // false: no syncfs before the commit (bench only: a power cut may lose files)
    double epoch_seconds = 5; // between two journal records,
    std::uint64_t epoch_bytes = 1ull << 30; // or after so many bytes
    double journal_after = 2;               // no record for less work than this, seconds
    // Called from worker threads, one at a time, at most every 50 ms.
    std::function<void(const InstallProgress&)> progress;
    // Set by a signal handler: the installation ends with kind `interrupted` and can be continued.
    const std::atomic<bool>* interrupted = nullptr;
    io::Faults* faults = nullptr; // tests
};

struct InstallSummary {
    fs::path prefix; // of the environment: differs from the option when envs/NAME was added to a conda
    std::uint64_t files = 0, directories = 0, symlinks = 0, bytes = 0, bytecode_files = 0;
    bool resumed = false;                                // went on where an interrupted run had stopped
    bool already_complete = false;                       // nothing was to do
    std::string io;                                      // "io_uring + O_DIRECT, 2 threads"
    std::vector<std::pair<std::string, double>> seconds; // stage name → wall time, in order
    std::vector<std::string> warnings;                   // one sentence each, e.g. bytecode that could not be compiled
    // A package's script failed (kind script, exit 10): the files are installed and the stage is not `scripts`.
    std::optional<Error> script_failure;
};

// Where the environment's files go for these options: PREFIX, PREFIX/envs/NAME with a base, or envs/NAME of an
// existing conda (-u, -f). Looks at the disk: an installation that is there keeps the place that was chosen for it.
fs::path environment_prefix(const Manifest& manifest, const InstallOptions& options);

// Where .tinderbox is for these options: PREFIX with a base of its own, else the environment's own prefix.
fs::path installed_root(const Manifest& manifest, const InstallOptions& options);

// What has to fit there: of the parts that these options install, at this place. `longest_prefix` is the environment's.
InstallInfo install_needs(const Manifest& manifest, const InstallOptions& options);

// PREFIX whose envs/ an environment can be added to: a conda, or the root of a mamba or micromamba.
bool is_conda_root(const fs::path& prefix);

// A conda that can be initialised and told to activate: PREFIX with conda-meta and bin/conda or condabin/conda.
bool is_conda_prefix(const fs::path& prefix);

// Kinds: damaged (nothing is left behind), storage (nothing is left behind), interrupted (run again to go on),
// usage (prefix too long for a placeholder).
Result<InstallSummary> install(const RunFile& run, const Manifest& manifest, const InstallOptions& options);

// --extract DIR: the tree as it would be installed at `directory`, which must not exist or be empty.
Result<InstallSummary> extract_to(const RunFile& run, const Manifest& manifest, const fs::path& directory,
                                  InstallOptions options = {});

// PREFIX/.tinderbox of an installed environment.
struct InstalledState {
    std::string manifest_sha256; // hex
    InstallStage stage = InstallStage::none;
    Manifest manifest;
    bool with_base = false; // the base lies at this prefix, the environment in envs/NAME
};
// nullopt: no Tinderbox environment at this prefix. Kind storage when its files cannot be read.
Result<std::optional<InstalledState>> read_state(const fs::path& prefix);
// Atomic; never steps back.
Status record_stage(const fs::path& prefix, InstallStage stage);

// Compares every file with PREFIX/.tinderbox/installed. Read-only.
struct FileDifference {
    std::string path;
    std::string what; // "missing", "is 12 bytes, was 10", "content differs", "mode is 644, was 755", "links to …"
};
struct FileCheck {
    std::uint64_t files = 0, bytes = 0;
    std::vector<FileDifference> differences; // sorted by path
};
Result<FileCheck> verify_files(const fs::path& prefix, unsigned jobs = 0,
                               const std::function<void(std::uint64_t files_done)>& progress = {});

// Removes what was installed and unregisters it. Files that the user added or changed stay unless `purge`.
struct UninstallOptions {
    bool purge = false;
    bool skip_scripts = false; // -s: the packages' pre-unlink scripts
    // Asked before anything is removed, when something is the user's: true removes that, too.
    std::function<bool(const std::vector<std::string>& kept)> purge_them;
    // Called when it is sure that the removal begins: the place for what lies outside of the prefix.
    std::function<void()> begin;
};
struct UninstallSummary {
    std::uint64_t removed = 0;
    std::vector<std::string> kept; // relative paths, sorted; "DIR/" for a directory that is the user's with all in it
    std::vector<std::string> warnings; // one sentence each: scripts that failed or have something to say
};
// Kind storage: nothing is there, another installer is at work, the place cannot be written (then nothing is removed),
// or some files could not be removed (then it can be repeated).
Result<UninstallSummary> uninstall(const fs::path& prefix, const UninstallOptions& options);
Result<UninstallSummary> uninstall(const fs::path& prefix, bool purge);

} // namespace tinderbox
