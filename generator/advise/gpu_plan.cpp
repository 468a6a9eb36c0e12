#include "generator/advise/gpu_plan.hpp"

#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/machine/gpu_code.hpp"
#include "generator/advise/gpu_needs.hpp"
#include "generator/advise/system_needs.hpp"
#include "generator/parcel/key.hpp"

#include <list>

namespace tinderbox::advise {

PlannedGpuNeeds planned_gpu_needs(const lock::Lock& lock, const parcel::ParcelCache& cache, parcel::Level level,
                                  std::vector<format::PackageInfo> captured) {
    PlannedGpuNeeds out;
    std::vector<format::PackageInfo> packages = std::move(captured);
    std::vector<InstalledElf> files;
    std::list<parcel::Parcel> parcels; // `files` points into them
    const parcel::ParcelKeys keys(level, lock.source_mtime);
    for (const lock::LockedArtifact& artifact : lock.artifacts) {
        packages.push_back(lock::package_of(artifact));
        if (to_lower(artifact.name) == "torch" || artifact.name == "pytorch") out.needs.frameworks = {"torch"};
        ++out.artifacts;
        if (artifact.sha256.empty()) continue;
        auto found = cache.find(keys.artifact(artifact.kind, artifact.sha256));
        if (!found.ok() || !*found) continue;
        ++out.known;
        parcels.push_back(std::move(**found));
        for (const parcel::Parcel::ElfFact& fact : parcels.back().elf) {
            files.push_back({fact.path, artifact.name, &fact});
            add_glibc_need(out.needs, parcels.back(), fact, fact.path);
        }
    }
    drop_covered_glibc(out.needs);
    add_gpu_needs(out.needs, packages, files);
    return out;
}

std::vector<std::pair<std::string, std::string>> gpu_plan_lines(const PlannedGpuNeeds& planned) {
    auto lines = machine::gpu_lines(planned.needs);
    if (!lines.empty() && planned.known < planned.artifacts)
        lines.emplace_back("", fmt::format("from {} of {}; the libraries of the others are read when they are packed",
                                           planned.known, counted(planned.artifacts, "artifact")));
    return lines;
}

} // namespace tinderbox::advise
