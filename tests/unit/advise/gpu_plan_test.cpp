// The plan reads the needs for GPUs from parcels that an earlier build left in the cache.
#include "generator/advise/gpu_plan.hpp"
#include "generator/parcel/key.hpp"
#include "tests/unit/parcel/memory_artifact.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;
using namespace tinderbox::advise;

namespace {

lock::LockedArtifact locked(const std::string& kind, const std::string& name, char digit) {
    lock::LockedArtifact out;
    out.kind = parcel::artifact_kind(kind);
    out.name = name;
    out.version = "1.0";
    out.sha256 = std::string(64, digit);
    return out;
}

} // namespace

TEST_CASE("a plan finds the cached parcels of conda packages and wheels", "[gpu][plan]") {
    TemporaryDirectory directory = TemporaryDirectory::make().value();
    parcel::ParcelCache cache(directory.path());
    lock::Lock lock;
    lock.artifacts = {locked("conda", "libdemo", 'a'), locked("wheel", "demo", 'b'), locked("conda", "absent", 'c')};
    parcel::PackOptions options;
    options.source_mtime = lock.source_mtime;
    const parcel::ParcelKeys keys(options);
    auto open = []() -> Result<std::unique_ptr<parcel::Artifact>> {
        auto artifact = std::make_unique<test::MemoryArtifact>();
        artifact->add("lib/data", "text");
        return std::unique_ptr<parcel::Artifact>(std::move(artifact));
    };
    CHECK(planned_gpu_needs(lock, cache, options.level).known == 0);
    REQUIRE(cache.get(keys.artifact(parcel::ArtifactKind::conda, lock.artifacts[0].sha256), options, open).ok());
    REQUIRE(cache.get(keys.artifact(parcel::ArtifactKind::wheel, lock.artifacts[1].sha256), options, open).ok());
    const PlannedGpuNeeds planned = planned_gpu_needs(lock, cache, options.level);
    CHECK(planned.artifacts == 3);
    CHECK(planned.known == 2);
    CHECK(planned_gpu_needs(lock, cache, parcel::Level::max).known == 0);
}
