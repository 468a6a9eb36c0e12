// Wheels that were built from a source archive (--allow-sdist) are built again from the lock.
#pragma once

#include "generator/lock/make_lock.hpp"

namespace tinderbox::lock {

// The wheel of an artifact with built_from, from the cache or built again. Uses the interpreter, build_python and
// source_mtime of `options`. Errors: usage (the archive gives another wheel than the lock's), network.
Result<fetch::Fetched> rebuild_wheel(const LockedArtifact& artifact, const Lock& lock, const pip::Options& pip,
                                     const LockOptions& options, fetch::Fetcher& fetcher);

} // namespace tinderbox::lock
