// A lock has no credentials: whoever builds from it brings their own.
#pragma once

#include "generator/lock/lock.hpp"
#include "generator/pip/options.hpp"

namespace tinderbox::lock {

// Gives each artifact's `source` the user and password, or the channel token, that this machine has configured for its
// host: in conda's configuration, and in `options` (a request's, or pip's configuration).
void add_credentials(Lock& lock, const pip::Options& options);

} // namespace tinderbox::lock
