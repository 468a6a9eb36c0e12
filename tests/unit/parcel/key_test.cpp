// Keys: one for each kind, with the same texts as in earlier releases, and found in a filled cache.
#include "common/base/text.hpp"
#include "generator/archive/byte_source.hpp"
#include "generator/parcel/index.hpp"
#include "generator/parcel/key.hpp"
#include "tests/unit/parcel/memory_artifact.hpp"

#include <catch2/catch_test_macros.hpp>

#include <set>

using namespace tinderbox;
using namespace tinderbox::parcel;

namespace {

const std::string hash(64, 'a');

std::string sha256_of(const std::string& text) { return to_hex(sha256(as_bytes(text))); }

} // namespace

TEST_CASE("keys: the texts of earlier releases, so that their caches stay valid") {
    const ParcelKeys keys(Level::standard, 315532800);
    const std::string head = fmt::format("parcel {} {} {} default\n", pack_version, format::table_version, hash);
    CHECK(keys.artifact(ArtifactKind::wheel, hash) == sha256_of(head + "mtime 315532800"));
    CHECK(keys.artifact(ArtifactKind::python, hash) == sha256_of(head + "mtime 315532800"));
    CHECK(keys.artifact(ArtifactKind::conda, hash) == sha256_of(head + "conda 3 mtime 315532800"));
    CHECK(keys.conda_info(hash) == sha256_of(head + "info 1 conda 3 mtime 315532800"));
    CHECK(keys.base_files(hash) == sha256_of(head + "base files 2 mtime 315532800"));
    CHECK(keys.include(hash, "etc/x", "") == sha256_of(head + "include 2 etc/x mtime 315532800"));
    CHECK(keys.include(hash, "notes", "lab") == sha256_of(head + "include 1 lab notes mtime 315532800"));
    CHECK(keys.bytecode(hash, "b", "cpython-311") == sha256_of(head + "bytecode 1 b cpython-311 315532800"));
}

TEST_CASE("keys: what a parcel depends on gives another key, the case of a hash does not") {
    const ParcelKeys keys(Level::standard, 1);
    const std::set<std::string> different = {
        keys.artifact(ArtifactKind::wheel, hash),
        keys.artifact(ArtifactKind::conda, hash),
        keys.conda_info(hash),
        keys.base_files(hash),
        keys.include(hash, "a", ""),
        keys.include(hash, "a", "lab"),
        keys.bytecode(hash, "b", "cpython-311"),
        keys.bytecode(hash, "b", "cpython-312"),
        keys.artifact(ArtifactKind::wheel, std::string(64, 'b')),
        ParcelKeys(Level::fast, 1).artifact(ArtifactKind::wheel, hash),
        ParcelKeys(Level::max, 1).artifact(ArtifactKind::wheel, hash),
        ParcelKeys(Level::standard, 2).artifact(ArtifactKind::wheel, hash),
    };
    CHECK(different.size() == 12);
    CHECK(keys.artifact(ArtifactKind::wheel, std::string(64, 'A')) == keys.artifact(ArtifactKind::wheel, hash));
}

TEST_CASE("keys: a packed conda package is found by the key of its lock's words alone") {
    TemporaryDirectory directory = TemporaryDirectory::make().value();
    ParcelCache cache(directory.path() / "parcels");
    PackOptions options;
    options.source_mtime = 315532800;
    auto open = []() -> Result<std::unique_ptr<Artifact>> {
        auto a = std::make_unique<test::MemoryArtifact>();
        a->meta = {{"kind", "conda"}, {"name", "demo"}};
        a->add("lib/libdemo.so", "not a library");
        return std::unique_ptr<Artifact>(std::move(a));
    };
    REQUIRE(cache.get(ParcelKeys(options).artifact(ArtifactKind::conda, hash), options, open).ok());
    const ParcelKeys later(options.level, options.source_mtime);
    auto found = cache.find(later.artifact(artifact_kind("conda"), hash));
    REQUIRE(found.ok());
    REQUIRE(found->has_value());
    CHECK((*found)->metadata["name"] == "demo");
    CHECK_FALSE(cache.find(later.artifact(artifact_kind("wheel"), hash))->has_value());
}

TEST_CASE("levels and kinds by their words") {
    for (Level level : {Level::fast, Level::standard, Level::max}) CHECK(parse_level(level_name(level)) == level);
    CHECK_FALSE(parse_level("").has_value());
    CHECK_FALSE(parse_level("Fast").has_value());
    CHECK(artifact_kind("prefix") == ArtifactKind::prefix);
    CHECK(artifact_kind("") == ArtifactKind::other);
}
