// --include SRC[:DEST]: a file or directory of the user's (notebooks, course material, weights, a paper's code). It is
// installed below share/ENVIRONMENT of the environment's prefix; it is hashed, listed and removed like a package. Files
// of construct.yaml's extra_files are treated alike, below the prefix itself.
#pragma once

#include "common/base/reporter.hpp"
#include "generator/lock/lock.hpp"
#include "generator/parcel/artifact.hpp"

#include <memory>

namespace tinderbox::assemble {

// "SRC" or "SRC:DEST". DEST is relative to share/ENVIRONMENT, and defaults to SRC's own name. A DEST that ends in '/'
// is the directory for SRC. Errors (usage): SRC does not exist; DEST is absolute or leaves its place.
Result<lock::LockedInclude> parse_include(const std::string& text);

// Reads and hashes everything once. metadata() is {kind: "include", name: DEST, "sha256"}; the SHA-256 is over kinds,
// modes, names, links and contents, in the order of names. Times are the lock's, so that another checkout of the same
// files makes the same installer. Errors (usage): a link that leaves SRC, a device or socket, a name that no prefix can
// hold; (storage): an unreadable file. `reporter` has to outlive the artifact.
Result<std::unique_ptr<parcel::Artifact>> open_include(const lock::LockedInclude& include,
                                                       const std::string& environment, Reporter& reporter);

} // namespace tinderbox::assemble
