// Download sizes that neither index nor lock has: from the files themselves, or from their servers.
#pragma once

#include "common/base/reporter.hpp"
#include "generator/fetch/fetch.hpp"
#include "generator/lock/lock.hpp"

namespace tinderbox::build {

// Fills in LockedArtifact::size where it is 0, by asking the server for one byte of the file. It stays 0 when no server
// tells it, and for wheels that are made here. With --offline (Fetcher::offline) no server is asked.
void ask_sizes(lock::Lock& lock, fetch::Fetcher& fetcher, Reporter& reporter);

} // namespace tinderbox::build
