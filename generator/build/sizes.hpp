// Download sizes that neither index nor lock says: of the files themselves, or of their servers.
#pragma once

#include "common/base/reporter.hpp"
#include "generator/fetch/fetch.hpp"
#include "generator/lock/lock.hpp"

namespace tinderbox::build {

// Fills in LockedArtifact::size where it is 0; it stays 0 where no server tells, and for wheels that are made here. A
// byte of each file is asked for. Nobody is asked with --offline (Fetcher::offline).
void ask_sizes(lock::Lock& lock, fetch::Fetcher& fetcher, Reporter& reporter);

} // namespace tinderbox::build
