// --allow-sdist: runs the environment's own Python before the environment exists, to make wheels of source archives.
#pragma once

#include "generator/build/capture.hpp"

namespace tinderbox::build {

// For LockOptions::build_python. Returns the captured interpreter at its old place, or conda's from a private copy of
// the conda packages. The copy is removed with the last copy of the function, which refers to all arguments.
std::function<Result<std::string>(const std::vector<lock::LockedArtifact>& conda)>
host_python(const Options& options, const Captured& captured, std::int64_t source_mtime, fetch::Fetcher& fetcher);

// Makes the wheel of a lock's artifact with built_from again. Error (usage): another wheel than the lock's.
Result<fetch::Fetched> fetch_built_wheel(const Options& options, const Requested& requested, const Captured& captured,
                                         const lock::Lock& lock, const lock::LockedArtifact& artifact,
                                         fetch::Fetcher& fetcher, Reporter& reporter);

} // namespace tinderbox::build
