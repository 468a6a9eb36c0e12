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

// Fills in hash, size, kind and version of lock.base, and warns of what the installer has that is not taken over.
// Errors (usage): no installer that can be read, one for another platform, more environments than there is room for,
// one of the lock's own name.
Result<Base> read_base(fetch::Fetched file, lock::Lock& lock, Reporter& reporter);

// One of its packages as if it came from a channel: keyed by its own hash it is the same parcel. Reads it once.
Result<lock::LockedArtifact> base_artifact(const Base& base, const lock::LockedBase& locked,
                                           const conda::ConstructorPackage& package);

} // namespace tinderbox::build
