// Request → Lock: conda's entries are solved first, then pip's are resolved on top of the conda packages.
#pragma once

#include "common/base/reporter.hpp"
#include "generator/conda/config.hpp"
#include "generator/fetch/fetch.hpp"
#include "generator/lock/lock.hpp"
#include "generator/pip/index.hpp"
#include "generator/spec/request.hpp"

#include <functional>

namespace tinderbox::lock {

// A project of this machine whose wheel replaces its editable installation in the captured environment.
struct SourceProject {
    std::string name, version; // normalised; as installed, "" = not known
    fs::path archive;          // NAME-VERSION.tar.gz
    std::string directory;     // that it was made of
};

struct LockOptions {
    std::string platform = "linux-64";
    std::string target_glibc = "2.28";
    std::string python;         // version of a captured interpreter ("3.11.7"); "": the conda package `python`'s
    bool free_threaded = false; // of that interpreter
    std::map<std::string, std::string> provided; // packages a captured prefix brings: normalised name → version
    std::optional<CapturedSource> captured;
    std::vector<SourceProject> projects; // a wheel of the request wins over them
    Bytecode bytecode = Bytecode::build;
    std::int64_t source_mtime = default_source_mtime; // seconds since 1970
    pip::IndexStrategy index_strategy = pip::IndexStrategy::first_index;
    std::vector<std::string> insecure_hosts; // --insecure-host
    bool allow_sdist = false;
    // Returns the environment's own Python as a program that runs here, for --allow-sdist. The conda packages chosen so
    // far may contain it.
    std::function<Result<std::string>(const std::vector<LockedArtifact>& conda)> build_python;
    std::vector<std::string> virtuals;                  // --virtual __NAME=VERSION
    std::map<std::string, std::string> target_virtuals; // of the target, beside glibc and CUDA: "__cuda_arch" → "8.6"
    std::string cuda;                                   // --cuda: the CUDA that is asked for ("11.3")
    bool wants_gpu = false;                             // something else asks for a GPU (--target…)
    std::string driver_cuda;                            // CUDA of the target's driver (535 → "12.2"), "" = not named
    std::string newest_cuda; // without a named driver: the newest CUDA of a driver for the target's GPUs; "" = any
    std::optional<conda::ChannelPriority> channel_priority; // nullopt: conda's configuration decides
    Reporter* reporter = nullptr;                           // not owned; null: nothing is shown
};

struct MadeLock {
    Lock lock;
    std::vector<std::string> warnings; // one sentence each, for the terminal
};

// Asks channels and indexes for the artifacts. Order: conda packages (by name; as given when all entries are files or
// URLs), then wheels by name. LockedArtifact::source is set. sha256 is "" where only the download will tell it; the
// caller fetches next. Errors: usage (a package for another platform, no Python), unsatisfiable (no solution; a wheel
// that would overwrite a conda package), network.
Result<MadeLock> make_lock(const spec::Request& request, const LockOptions& options, fetch::Fetcher& fetcher);

} // namespace tinderbox::lock
