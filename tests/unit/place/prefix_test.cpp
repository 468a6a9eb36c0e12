#include "runtime/place/prefix.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;
using namespace tinderbox::place;

TEST_CASE("the prefix as people write it") {
    CHECK(*resolve_prefix("~", "/home/me", "/tmp") == "/home/me");
    CHECK(*resolve_prefix("~/env", "/home/me", "/tmp") == "/home/me/env");
    CHECK(*resolve_prefix("env/../x/", "/home/me", "/tmp") == "/tmp/x");
    CHECK(*resolve_prefix("./env", "/home/me", "/tmp") == "/tmp/env");
    CHECK(*resolve_prefix("/a//b/./c", "/home/me", "/tmp") == "/a/b/c");
    CHECK(*resolve_prefix("/with space/ä", "", "/") == "/with space/ä");
    for (auto bad : {"", "~root/x", "/", "/a/..", "a\nb", "~", "/a\"b", "/a:b", "/a\\b"}) {
        auto result = resolve_prefix(bad, "", "/tmp");
        REQUIRE(!result.ok());
        CHECK(result.error().kind == ErrorKind::usage);
    }
}

TEST_CASE("a prefix that is too long for a placeholder") {
    CHECK(!refuse_length({"/opt/lab", 0, ""}, "/opt/lab"));
    CHECK(!refuse_length({"/opt/lab", 8, "bin/x"}, "/opt/lab"));
    auto refusal = refuse_length({"/opt/lab", 7, "bin/x"}, "/opt/lab");
    REQUIRE(refusal);
    CHECK(refusal->id == "prefix-too-long");
    CHECK(refusal->sentence == "the prefix '/opt/lab' has 8 bytes, and 'bin/x' has room for 7");
    CHECK(refusal->advice == "choose one of at most 7 bytes with -p");
    // The environment below a base has the shorter room: the base's prefix must be shorter by what lies between.
    refusal = refuse_length({"/opt/lab/envs/a", 12, "bin/x"}, "/opt/lab");
    REQUIRE(refusal);
    CHECK(refusal->advice == "choose one of at most 5 bytes with -p");
}
