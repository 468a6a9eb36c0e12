// A plan must find the parcels that a build of the same packages left in the cache.
#include "common/base/hash.hpp"
#include "generator/advise/gpu_plan.hpp"
#include "generator/build/parcels.hpp"
#include "tests/unit/conda/archives.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>

using namespace tinderbox;
using namespace tinderbox::build;

namespace {

std::string conda_package() {
    const std::string index = R"({"name": "demo", "version": "1.0", "build": "0", "build_number": 0, "depends": []})";
    return test::bzip2_bytes(
        test::tar_bytes({{"info/index.json", index}, {"info/files", "share/demo.txt\n"}, {"share/demo.txt", "text"}}));
}

} // namespace

TEST_CASE("a plan knows the conda packages that a build has packed", "[build][plan]") {
    const TemporaryDirectory directory = TemporaryDirectory::make().value();
    REQUIRE(::setenv("TINDERBOX_CACHE", (directory.path() / "cache").c_str(), 1) == 0);
    const std::string bytes = conda_package();
    const fs::path file = directory.path() / "demo-1.0-0.tar.bz2";
    REQUIRE(write_atomically(file, bytes).ok());

    lock::LockedArtifact artifact;
    artifact.kind = parcel::ArtifactKind::conda;
    artifact.name = "demo";
    artifact.version = "1.0";
    artifact.file_name = file.filename().string();
    artifact.sha256 = to_hex(sha256(as_bytes(bytes)));
    lock::Lock lock;
    lock.artifacts = {artifact};

    const Options options;
    CHECK(advise::planned_gpu_needs(lock, parcel_cache(), options.level).known == 0);
    Parcels parcels(options, lock.source_mtime);
    auto packed = parcels.conda_package(artifact.sha256, file, artifact.file_name);
    if (!packed.ok()) FAIL(packed.error().message);
    CHECK(advise::planned_gpu_needs(lock, parcel_cache(), options.level).known == 1);

    // Another mtime or level makes another parcel.
    lock.source_mtime += 1;
    CHECK(advise::planned_gpu_needs(lock, parcel_cache(), options.level).known == 0);
    REQUIRE(::unsetenv("TINDERBOX_CACHE") == 0);
}
