// Wheels that were made of a source archive when the request was locked (--allow-sdist) are made again from the lock.
#pragma once

#include "generator/lock/make_lock.hpp"

namespace tinderbox::lock {

// The wheel of an artifact with built_from, from the cache or made again. Of `options` the interpreter, build_python
// and source_mtime count. Errors: usage (the archive gives another wheel than the one that the lock names), network.
Result<fetch::Fetched> rebuild_wheel(const LockedArtifact& artifact, const Lock& lock, const pip::Options& pip,
                                     const LockOptions& options, fetch::Fetcher& fetcher);

} // namespace tinderbox::lock
