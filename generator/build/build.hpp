// From the options of `build` to NAME.run, or to the plan of it.
#pragma once

#include "generator/build/write.hpp"
#include "generator/report/plan.hpp"

namespace tinderbox::build {

// Errors: those of the passes.
Result<Built> build(const Options& options, Reporter& reporter);

struct Planned {
    report::BuildPlan plan;
    lock::Lock lock;
};
// The plan of build(). Packs nothing, and downloads only the artifacts that a lock needs.
Result<Planned> plan(const Options& options, Reporter& reporter);

} // namespace tinderbox::build
