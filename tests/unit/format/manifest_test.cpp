// The manifest's JSON: what is written is read back, and what is not ours is refused.
#include "common/format/manifest.hpp"
#include "common/format/table.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

using namespace tinderbox;
using namespace tinderbox::format;

namespace {

Manifest sample_manifest() {
    Manifest out;
    out.name = out.env_name = "lab";
    out.platform = "linux-64";
    out.base_installer = BaseInfo{};
    out.base_installer->environments = {{"second", std::nullopt}};
    for (PrefixKind kind : {PrefixKind::env, PrefixKind::base, PrefixKind::further}) {
        PackageInfo package;
        package.name = "x";
        package.prefix = {kind, kind == PrefixKind::further ? "second" : ""};
        out.packages.push_back(package);
        out.scripts.push_back({"x", "1", "0", "bin/.x-post-link.sh", package.prefix, "post-link"});
    }
    return out;
}

} // namespace

TEST_CASE("a manifest is read as it was written") {
    const Manifest manifest = sample_manifest();
    const nlohmann::json json = to_json(manifest);
    CHECK(json["packages"][0]["prefix"] == "env");
    CHECK(json["packages"][1]["prefix"] == "base");
    CHECK(json["scripts"][2]["prefix"] == "envs/second");
    auto read = manifest_from_json(json);
    REQUIRE(read.ok());
    CHECK(to_json(*read) == json);
    CHECK(read->packages[2].prefix == prefix_name(further_environment(0), &manifest.base_installer->environments));
}

TEST_CASE("a manifest with an unknown prefix is damaged") {
    for (const char* name : {"", "environment", "envs/", "/env"})
        for (const char* list : {"packages", "scripts"}) {
            nlohmann::json json = to_json(sample_manifest());
            json[list][0]["prefix"] = name;
            auto read = manifest_from_json(json);
            REQUIRE(!read.ok());
            CHECK(read.error().kind == ErrorKind::damaged);
        }
}
