// --allow-sdist: the environment's own Python runs here before the environment exists, and makes wheels of source
// archives.
#pragma once

#include "generator/build/capture.hpp"

namespace tinderbox::build {

// For LockOptions::build_python: the captured interpreter at its old place, or conda's from a private copy of the conda
// packages, which is removed with the last copy of the function. It refers to all arguments.
std::function<Result<std::string>(const std::vector<lock::LockedArtifact>& conda)>
host_python(const Options& options, const Captured& captured, std::int64_t source_mtime, fetch::Fetcher& fetcher);

// The lock's artifact with built_from, made again. Error (usage): another wheel than the lock names.
Result<fetch::Fetched> fetch_built_wheel(const Options& options, const Requested& requested, const Captured& captured,
                                         const lock::Lock& lock, const lock::LockedArtifact& artifact,
                                         fetch::Fetcher& fetcher, Reporter& reporter);

} // namespace tinderbox::build
