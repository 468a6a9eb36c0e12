// Pass "includes": files and texts of the user's own, --include and those of a construct.yaml, are read and pinned in
// the lock by their hash.
#pragma once

#include "generator/build/request.hpp"

namespace tinderbox::build {

// A new lock takes what request and command line name; a lock that was given must find what it names unchanged.
// Errors: usage, storage.
Status read_includes(const Options& options, const Requested& requested, lock::Lock& lock, Reporter& reporter);

} // namespace tinderbox::build
