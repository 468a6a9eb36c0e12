#include "generator/conda/similar_names.hpp"
#include "generator/conda/subdir_cache.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;
using namespace tinderbox::conda;

TEST_CASE("what is kept of a subdirectory is read again for the same URL only", "[subdir]") {
    const TemporaryDirectory root = *TemporaryDirectory::make();
    const std::string url = "https://c.example/main/linux-64/";
    auto open = [&](const std::string& which) {
        auto cache = SubdirCache::open(root.path(), which, [] {});
        if (!cache.ok()) FAIL(cache.error().message);
        return std::move(cache).value();
    };
    fs::path state_file;
    {
        SubdirCache cache = open(url);
        CHECK(cache.state.variant.empty());
        cache.state.variant = "repodata.json.zst";
        cache.state.variant_since = 1700000000;
        cache.state.fresh_until = 1700000600;
        cache.state.etag = "\"x\"";
        cache.state.last_modified = "Tue, 14 Nov 2023 22:13:20 GMT";
        cache.state.base_url = "../packages/";
        REQUIRE(cache.save().ok());
        state_file = cache.index_file().replace_extension(".json");
    }
    {
        const SubdirCache cache = open(url);
        CHECK(cache.state.variant == "repodata.json.zst");
        CHECK(cache.state.variant_since == 1700000000);
        CHECK(cache.state.fresh_until == 1700000600);
        CHECK(cache.state.etag == "\"x\"");
        CHECK(cache.state.last_modified == "Tue, 14 Nov 2023 22:13:20 GMT");
        CHECK(cache.state.base_url == "../packages/");
        CHECK(cache.state.identity.empty());
    }
    CHECK(open("https://c.example/other/linux-64/").state.variant.empty());
    // An entry of another URL or with wrong types, or a damaged one, counts as absent.
    for (const char* text :
         {R"({"url": "https://d.example/", "variant": "repodata.json"})",
          R"({"url": "https://c.example/main/linux-64/", "variant": 7, "fresh_until": "x"})", "{", ""}) {
        REQUIRE(write_atomically(state_file, text).ok());
        const SubdirCache cache = open(url);
        CHECK(cache.state.variant.empty());
        CHECK(cache.state.fresh_until == 0);
    }
}

TEST_CASE("names that a word may have meant", "[subdir]") {
    CHECK(resembles("numpy", "nunpy"));
    CHECK(resembles("pytorch-gpu", "pytorch"));
    CHECK(!resembles("numpy", "scipy-x"));
    CHECK(!resembles("ab", "ab"));
    std::vector<std::string> names = {"pytorch-mutex", "pytorch", "pytorch-cpu", "pytorch-gpu"};
    keep_nearest(names, "pytorc");
    CHECK(names == std::vector<std::string>{"pytorch", "pytorch-cpu", "pytorch-gpu"});
}
