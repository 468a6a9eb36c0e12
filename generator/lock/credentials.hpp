// A lock has no credentials; a build from it uses those of its own machine.
#pragma once

#include "generator/lock/lock.hpp"
#include "generator/pip/options.hpp"

namespace tinderbox::lock {

// Adds user and password, or the channel token, to each artifact's `source`: those that this machine has configured for
// its host in conda's configuration and in `options` (a request's options, or pip's configuration).
void add_credentials(Lock& lock, const pip::Options& options);

} // namespace tinderbox::lock
