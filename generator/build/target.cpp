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
    if (!requested.names_gpu() && requested.machines.empty() && options.target_glibc.empty()) return {};
    format::Manifest manifest;
    manifest.platform = lock.platform;
    manifest.requires_ = planned_needs(options, captured, lock).needs;
    TRY(check_glibc(options, manifest.requires_));
    if (requested.names_gpu()) TRY(advise::check_target(requested.target, manifest.requires_));
    TRY(advise::check_machines(requested.machines, manifest));
    return {};
}

Status check_planned_room(const Requested& requested, const report::BuildPlan& plan, Reporter& reporter) {
    format::InstallInfo known;
    for (const report::PlanRow& row : plan.rows)
        if (row.installed_source == report::SizeSource::measured ||
            row.installed_source == report::SizeSource::directory)
            known.bytes += row.installed;
    TRY(advise::check_places(requested.machines, known));
    format::InstallInfo estimated;
    estimated.bytes = plan.installed;
    if (auto fits = advise::check_places(requested.machines, estimated); !fits.ok())
        reporter.warning("by the estimate of this plan: " + fits.error().message);
    return {};
}

} // namespace tinderbox::build
