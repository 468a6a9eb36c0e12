// The passes of `lock`: request → capture → solve, and the differences to the lock that is replaced.
#pragma once

#include "common/base/reporter.hpp"
#include "generator/build/options.hpp"

namespace tinderbox::build {

struct RelockOptions {
    Options build;
    std::vector<std::string> update; // packages that may move; empty: everything is solved anew
};

struct Relocked {
    lock::Lock lock;
    std::optional<lock::Lock> previous; // the lock that lies at `output`, when it is one of ours
    std::string output;                 // "" = standard output
};

// Errors: as of solve(); usage (no lock to update, or none that names its request), unsatisfiable (a pinned package
// would move).
Result<Relocked> relock(const RelockOptions& options, Reporter& reporter);

} // namespace tinderbox::build
