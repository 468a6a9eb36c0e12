// Request → Lock: conda entries have to be exact, pip's are resolved unless they are pinned and complete.
#pragma once

#include "generator/fetch/fetch.hpp"
#include "generator/lock/lock.hpp"
#include "generator/pip/index.hpp"
#include "generator/spec/request.hpp"

#include <functional>

namespace tinderbox {

struct LockOptions {
    std::string platform = "linux-64";
    std::string target_glibc = "2.28";
    std::string python;            // version of a captured interpreter ("3.11.7"); "": the conda package `python`'s
    bool free_threaded = false;    // of that interpreter
    std::map<std::string, std::string> provided; // packages a captured prefix brings: normalised name → version
    std::optional<CapturedSource> captured;
    std::string bytecode = "build";
    std::int64_t source_mtime = 315532800;
    pip::IndexStrategy index_strategy = pip::IndexStrategy::first_index;
    std::vector<std::string> insecure_hosts;     // --insecure-host
    bool allow_sdist = false;
    // The environment's own Python as a program that runs here, for --allow-sdist; the conda packages chosen so far may
    // hold it.
    std::function<Result<std::string>(const std::vector<LockedArtifact>& conda)> build_python;
};

struct MadeLock {
    Lock lock;
    std::vector<std::string> warnings; // one sentence each, for the terminal
};

// Puts pip's configuration of this machine (PIP_*, pip.conf) under the request's own options. To be called before
// Fetcher::make: request.pip_options.trusted_hosts and .cert are for it. Also for a build from a lock (with an empty
// request): lend_credentials takes passwords from it.
Status add_pip_configuration(Request& request);

// Asks indexes (and, for NAME=VERSION=BUILD entries, channels) where the artifacts are. Order: conda as given, wheels
// by name. LockedArtifact::source is set; sha256 is "" where only the download will tell (the caller fetches next).
// Errors: usage (a conda entry that is not exact, another platform's package, no Python), unsatisfiable, network.
Result<MadeLock> make_lock(const Request& request, const LockOptions& options, Fetcher& fetcher);

// The wheel of an artifact with built_from, from the cache or made again. Error (usage): it is not the one that the
// lock names.
Result<Fetched> make_wheel_again(const LockedArtifact& artifact, const Lock& lock, const PipOptions& pip, const LockOptions& options,
                                 Fetcher& fetcher);

// A lock has no credentials: gives each artifact's `source` those of the configured index or channel on its host.
void lend_credentials(Lock& lock, const PipOptions& options);

} // namespace tinderbox
