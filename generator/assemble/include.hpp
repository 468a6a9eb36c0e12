// --include SRC[:DEST]: notebooks, course material, weights, a paper's code – a file or directory of the user's that
// rides along and lies below share/ENVIRONMENT of the environment's prefix, hashed, listed and removed like a package.
// Files of construct.yaml's extra_files do the same, below the prefix itself.
#pragma once

#include "common/base/reporter.hpp"
#include "generator/lock/lock.hpp"
#include "generator/parcel/artifact.hpp"

#include <memory>

namespace tinderbox::assemble {

// "SRC" or "SRC:DEST". DEST is relative to share/ENVIRONMENT; without it, SRC's own name; one that ends in '/' is the
// directory SRC goes into. Errors (usage): SRC is not there, DEST is absolute or leaves its place.
Result<lock::LockedInclude> parse_include(const std::string& text);

// Reads and hashes everything once: the SHA-256 over kinds, modes, names, links and contents, in the order of names, is
// metadata()'s "sha256", with {kind: "include", name: DEST}. Times are the lock's, so that another checkout of the same
// files makes the same installer. Errors (usage): a link that leaves SRC, a device or socket, a name that no prefix
// can hold; (storage): what cannot be read. `reporter` has to outlive the artifact.
Result<std::unique_ptr<parcel::Artifact>> open_include(const lock::LockedInclude& include,
                                                       const std::string& environment, Reporter& reporter);

} // namespace tinderbox::assemble
