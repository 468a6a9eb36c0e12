// Request → Lock: conda's entries are solved first, then pip's are resolved on top of what conda provides.
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
    std::string python;         // version of a captured interpreter ("3.11.7"); "": the conda package `python`'s
    bool free_threaded = false; // of that interpreter
    std::map<std::string, std::string> provided; // packages a captured prefix brings: normalised name → version
    std::optional<CapturedSource> captured;
    std::string bytecode = "build";
    std::int64_t source_mtime = 315532800;
    pip::IndexStrategy index_strategy = pip::IndexStrategy::first_index;
    std::vector<std::string> insecure_hosts; // --insecure-host
    bool allow_sdist = false;
    // The environment's own Python as a program that runs here, for --allow-sdist; the conda packages chosen so far may
    // hold it.
    std::function<Result<std::string>(const std::vector<LockedArtifact>& conda)> build_python;
    std::vector<std::string> virtuals; // --virtual __NAME=VERSION
    std::string cuda;                  // --cuda: the CUDA that is asked for ("11.3")
    bool wants_gpu = false;            // something else asks for a GPU (--target-gpu, --target-driver)
    std::string driver_cuda;           // CUDA of the target's driver (--target-driver: 535 → "12.2"), "" = not named
    std::string newest_cuda;      // without a named driver: the newest that one for the target's GPUs has, "" = any
    std::string channel_priority; // strict, flexible, disabled; "": conda's configuration
};

struct MadeLock {
    Lock lock;
    std::vector<std::string> warnings; // one sentence each, for the terminal
};

// Puts pip's configuration of this machine (PIP_*, pip.conf) under the request's own options. To be called before
// Fetcher::make: request.pip_options.trusted_hosts and .cert are for it. Also for a build from a lock (with an empty
// request): lend_credentials takes passwords from it.
Status add_pip_configuration(Request& request);

// Asks channels and indexes where the artifacts are. Order: conda (by name; as given when all entries are files or
// URLs), wheels by name. LockedArtifact::source is set; sha256 is "" where only the download will tell (the caller
// fetches next). Errors: usage (another platform's package, no Python), unsatisfiable (no solution; a wheel that would
// overwrite a conda package), network.
Result<MadeLock> make_lock(const Request& request, const LockOptions& options, Fetcher& fetcher);

// The wheel of an artifact with built_from, from the cache or made again. Error (usage): it is not the one that the
// lock names.
Result<Fetched> make_wheel_again(const LockedArtifact& artifact, const Lock& lock, const PipOptions& pip,
                                 const LockOptions& options, Fetcher& fetcher);

// A lock has no credentials: gives each artifact's `source` those of the configured index or channel on its host.
void lend_credentials(Lock& lock, const PipOptions& options);

} // namespace tinderbox
