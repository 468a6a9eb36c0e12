// The loader: NAME.run → an environment at a prefix. Stages: extract → relocate → commit → bytecode → scripts →
// registered (→ verified, recorded by the caller). docs/inside/install.md has the rules of what survives a crash.
//
// Must: a committed prefix holds every file whole. Must: what was in the prefix before stays as it was.
//
// The functions of this room return errors; no exception leaves them. Internally they may throw std::bad_alloc and
// std::filesystem exceptions of the standard library: install() and repair() catch these, and make kind storage (no
// memory) or bug of them. The callbacks in the options must not throw. One thread calls; the lock in .tinderbox keeps
// other processes away.
#pragma once

#include "common/base/stopwatch.hpp"
#include "common/format/manifest.hpp"
#include "common/format/run_file.hpp"
#include "runtime/install/progress.hpp"
#include "runtime/place/place.hpp"

namespace tinderbox::io {
class Faults;
}

namespace tinderbox::install {

// jobs and progress of TreeWork; when it is interrupted, the installation can be continued.
struct InstallOptions : TreeWork {
    bool skip_scripts = false;  // -s
    bool unattended = true;     // nothing is asked: scripts are told so
    bool private_modes = false; // --private: nothing for group and others
    bool compile_bytecode = true;
    unsigned keep = 0;                        // --keep: generations of the environment that is replaced; 0: it goes
    bool register_environment = true;         // ~/.conda/environments.txt (HOME of the environment)
    bool no_uring = false, no_direct = false; // force the fallbacks (tests, bench)
    bool sync = true;         // false: no syncfs before the commit (bench only: a power cut may lose files)
    double epoch_seconds = 5; // between two journal records,
    std::uint64_t epoch_bytes = 1ull << 30; // or after so many bytes
    double journal_after = 2;               // no record for less work than this, seconds
    io::Faults* faults = nullptr;           // tests
};

struct InstallSummary {
    fs::path prefix; // of the environment
    std::uint64_t files = 0, directories = 0, symlinks = 0, bytes = 0, bytecode_files = 0;
    bool resumed = false;          // went on where an interrupted run had stopped
    bool already_complete = false; // nothing was to do
    std::string io;                // "io_uring + O_DIRECT, 2 threads"
    StageTimes seconds;
    std::vector<std::string> carried_over; // by --replace, below the root
    unsigned generation = 0;               // that the environment before became; 0: none
    std::uint64_t inherited = 0;           // files that an update took from it
    std::vector<std::string> warnings;     // one sentence each, e.g. bytecode that could not be compiled
    // A package's script failed (kind script, exit 10): the files are installed and the stage is not `scripts`.
    std::optional<Error> script_failure;
};

// Carries out the decision; `decision` must be of this installer (place::decide with its manifest). Kinds: damaged
// (nothing is left behind), storage (nothing is left behind, or the decision's refusal), interrupted (run again to go
// on), usage (prefix too long for a placeholder).
Result<InstallSummary> install(const format::RunFile& run, const format::Manifest& manifest,
                               const place::Decision& decision, const InstallOptions& options);

} // namespace tinderbox::install
