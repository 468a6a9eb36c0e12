// Pass "solve": the request becomes a lock. A given lock only gets this machine's credentials.
#pragma once

#include "generator/build/capture.hpp"

namespace tinderbox::build {

// Asks channels and indexes. Errors: as of lock::make_lock; usage (contradictions between options, request and lock).
Result<lock::Lock> solve(const Options& options, const Requested& requested, const Captured& captured,
                         fetch::Fetcher& fetcher, Reporter& reporter);

} // namespace tinderbox::build
