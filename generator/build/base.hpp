// The conda at PREFIX (--base): its installer, fetched and read.
#pragma once

#include "common/base/reporter.hpp"
#include "generator/conda/constructor.hpp"
#include "generator/fetch/fetch.hpp"
#include "generator/lock/lock.hpp"

namespace tinderbox::build {

struct Base {
    fetch::Fetched file; // the .sh
    conda::ConstructorInstaller installer;
};

// Whether a base that is a file of this machine can be one, by its header and its size: asked before anything is solved
// or fetched. A base at a URL passes. Errors (usage): no such installer, a cut one, one for another platform.
Status check_local_base(const lock::LockedBase& base, const std::string& platform);

// Fills in hash, size, kind and version of lock.base, and warns about parts of the installer that are not taken over.
// Errors (usage): an unreadable installer, one for another platform, too many environments, one with the lock's own
// name.
Result<Base> read_base(fetch::Fetched file, lock::Lock& lock, Reporter& reporter);

// A package of the base as if it came from a channel: its own hash is the key, so its parcel is the same. Reads it
// once.
Result<lock::LockedArtifact> base_artifact(const Base& base, const lock::LockedBase& locked,
                                           const conda::ConstructorPackage& package);

} // namespace tinderbox::build
