#include "generator/build/target.hpp"

#include "generator/advise/gpu_plan.hpp"
#include "generator/advise/target.hpp"
#include "generator/build/parcels.hpp"

namespace tinderbox::build {

Status check_planned_target(const Options& options, const Requested& requested, const lock::Lock& lock) {
    if (!requested.has_target()) return {};
    const advise::PlannedGpuNeeds planned = advise::planned_gpu_needs(lock, parcel_cache(), options.level);
    TRY(advise::check_target(requested.target, planned.needs));
    return {};
}

} // namespace tinderbox::build
