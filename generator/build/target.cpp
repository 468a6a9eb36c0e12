#include "generator/build/target.hpp"

#include "common/base/version_order.hpp"
#include "generator/advise/system_needs.hpp"
#include "generator/advise/target.hpp"
#include "generator/build/parcels.hpp"

namespace tinderbox::build {

advise::PlannedGpuNeeds planned_needs(const Options& options, const Captured& captured, const lock::Lock& lock) {
    if (!captured.artifact) return advise::planned_gpu_needs(lock, parcel_cache(), options.level);
    const nlohmann::json& metadata = captured.artifact->metadata();
    advise::PlannedGpuNeeds out =
        advise::planned_gpu_needs(lock, parcel_cache(), options.level, advise::captured_packages(metadata));
    advise::add_captured_needs(out.needs, metadata);
    return out;
}

Status check_glibc(const Options& options, const format::Requirements& needs) {
    if (options.target_glibc.empty() || compare_versions(needs.glibc, options.target_glibc) <= 0) return {};
    return make_error(ErrorKind::machine,
                      "--target-glibc {}: '{}' needs glibc {}; build with a Python and wheels made for the older one",
                      options.target_glibc, needs.glibc_because, needs.glibc);
}

Status check_planned_target(const Options& options, const Requested& requested, const Captured& captured,
                            const lock::Lock& lock) {
    if (!requested.has_target() && options.target_glibc.empty()) return {};
    const advise::PlannedGpuNeeds planned = planned_needs(options, captured, lock);
    TRY(check_glibc(options, planned.needs));
    if (requested.has_target()) TRY(advise::check_target(requested.target, planned.needs));
    return {};
}

} // namespace tinderbox::build
