#include "generator/lock/base.hpp"

#include "common/base/file.hpp"
#include "common/base/hash.hpp"
#include "common/base/url.hpp"
#include "source_dir.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <fstream>
#include <set>

using namespace tinderbox;
using namespace tinderbox::lock;
using nlohmann::json;

namespace {

std::string table() { return *read_text(std::string(TINDERBOX_SOURCE_DIR) + "/templates/bases.json"); }

std::string refused(const std::string& text) {
    auto result = lock_base(text, "linux-64", table());
    REQUIRE(!result.ok());
    CHECK(result.error().kind == ErrorKind::usage);
    return result.error().message;
}

} // namespace

TEST_CASE("every row of the table can be taken", "[base]") {
    json rows = json::parse(table())["bases"];
    REQUIRE(rows.size() >= 4);
    std::set<std::string> seen;
    for (const json& row : rows) {
        std::string kind = row["kind"], version = row["version"], platform = row["platform"], url = row["url"];
        INFO(url);
        CHECK(seen.insert(kind + version + platform).second);
        CHECK(sha256_from_hex(row["sha256"].get<std::string>()).has_value());
        CHECK(row["source"].get<std::string>() != "");
        CHECK(url.starts_with("https://"));
        CHECK(url.find(version) != std::string::npos);
        CHECK(url.ends_with(platform == "linux-64" ? "-Linux-x86_64.sh" : "-Linux-aarch64.sh"));
        auto base = lock_base(kind + "=" + version, platform, table());
        REQUIRE((base.ok() && *base));
        CHECK((*base)->url == url);
        CHECK((*base)->source == url);
        CHECK((*base)->file_name == url.substr(url.rfind('/') + 1));
    }
}

TEST_CASE("what --base may be", "[base]") {
    CHECK(!*lock_base("", "linux-64", table()));
    CHECK(!*lock_base("none", "linux-64", table()));
    auto newest = lock_base("miniforge", "linux-aarch64", table());
    REQUIRE((newest.ok() && *newest));
    CHECK((*newest)->url.ends_with("aarch64.sh"));
    CHECK(refused("miniforge=1.0").find("known for linux-64 are ") != std::string::npos);
    CHECK(
        lock_base("miniconda", "osx-arm64", table()).error().message.find("no version of it is known for osx-arm64") !=
        std::string::npos);
    CHECK(refused("anaconda").find("miniconda[=VERSION]") != std::string::npos);
    CHECK(refused("/nowhere/x.sh").find("it is no file") != std::string::npos);
    CHECK(refused("https://host.example/").find("file's name") != std::string::npos);

    auto url = lock_base("https://user:canary@host.example/t/canary/My%20Conda.sh?sig=canary", "linux-64", table());
    REQUIRE((url.ok() && *url));
    CHECK((*url)->kind == "installer");
    CHECK((*url)->file_name == "My Conda.sh");
    CHECK((*url)->url.find("canary") == std::string::npos);
    CHECK((*url)->source.find("canary") != std::string::npos);

    auto directory = *TemporaryDirectory::make();
    std::ofstream(directory.path() / "a b.sh") << "x";
    auto file = lock_base((directory.path() / "a b.sh").string(), "linux-64", table());
    REQUIRE((file.ok() && *file));
    CHECK((*file)->file_name == "a b.sh");
    CHECK(file_url_to_path((*file)->url) == (directory.path() / "a b.sh").string());
    CHECK(base_kind("Miniconda3") == "miniconda");
    CHECK(base_kind("Miniforge3") == "miniforge");
    CHECK(base_kind("Labconda") == "installer");
}

TEST_CASE("the base is pinned in the lock", "[base]") {
    Lock lock;
    lock.name = "lab";
    lock.base = **lock_base("miniforge", "linux-64", table());
    lock.base->source = "https://user:canary@host.example/x.sh";
    lock.base->size = 100;
    std::string text = lock_text(lock);
    CHECK(text.find("canary") == std::string::npos);
    auto again = lock_from_json(json::parse(text), "a.lock");
    REQUIRE(again.ok());
    REQUIRE(again->base);
    CHECK(again->base->sha256 == lock.base->sha256);
    CHECK(again->base->source == lock.base->url);
    CHECK(lock_text(*again) == text);
    for (auto [field, value] : {std::pair{"sha256", json("zz")},
                                {"url", json("ftp://x/y.sh")},
                                {"file_name", json("../x")},
                                {"kind", json(1)},
                                {"size", json("many")}}) {
        json broken = json::parse(text);
        broken["base"][field] = value;
        auto result = lock_from_json(broken, "a.lock");
        INFO(field);
        REQUIRE(!result.ok());
        CHECK(result.error().kind == ErrorKind::usage);
        CHECK(result.error().message.find("a.lock:base") != std::string::npos);
    }
}
