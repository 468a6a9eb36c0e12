// Checks --target, --target-gpu, --target-driver and --target-glibc against a lock before anything is downloaded.
#pragma once

#include "generator/advise/gpu_plan.hpp"
#include "generator/build/capture.hpp"
#include "generator/build/request.hpp"
#include "generator/report/plan.hpp"

namespace tinderbox::build {

// The needs of the environment as far as names of packages, cached parcels and a captured Python tell. `captured` has
// not been packed yet.
advise::PlannedGpuNeeds planned_needs(const Options& options, const Captured& captured, const lock::Lock& lock);

// Nothing is checked without a target. Error (machine): the target cannot run it.
Status check_planned_target(const Options& options, const Requested& requested, const Captured& captured,
                            const lock::Lock& lock);

// The described places against a plan. Error (machine): they have no room for what is known of it. Sizes that are
// estimates only give a warning.
Status check_planned_room(const Requested& requested, const report::BuildPlan& plan, Reporter& reporter);

// Error (machine): a file needs a newer glibc than --target-glibc.
Status check_glibc(const Options& options, const format::Requirements& needs);

} // namespace tinderbox::build
