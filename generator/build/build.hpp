// From the options of `build` to NAME.run, or to the plan of it.
#pragma once

#include "generator/build/write.hpp"
#include "generator/report/plan.hpp"

namespace tinderbox::build {

// Errors: each kind of ErrorKind that the passes name.
Result<Built> build(const Options& options, Reporter& reporter);

struct Planned {
    report::BuildPlan plan;
    lock::Lock lock;
};
// What build() would do; nothing is packed, and no artifact is downloaded but what a lock needs.
Result<Planned> plan(const Options& options, Reporter& reporter);

} // namespace tinderbox::build
