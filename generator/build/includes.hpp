// Pass "includes": reads the user's own files and texts (--include, construct.yaml) and pins them in the lock by their
// hash.
#pragma once

#include "generator/build/request.hpp"

namespace tinderbox::build {

// A new lock gets the files that request and command line name. With a given lock the files must be unchanged. Errors:
// usage, storage.
Status read_includes(const Options& options, const Requested& requested, lock::Lock& lock, Reporter& reporter);

} // namespace tinderbox::build
