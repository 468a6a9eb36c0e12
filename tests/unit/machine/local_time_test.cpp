#include "common/machine/local_time.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>

namespace tinderbox::machine {
namespace {

constexpr std::int64_t winter = 1796061856, summer = 1782860656; // 2026-11-30T18:04:16Z, 2026-06-30T23:04:16Z

// Sets TZ for its scope.
struct Zone {
    explicit Zone(const char* name) { ::setenv("TZ", name, 1); }
    ~Zone() { ::unsetenv("TZ"); }
};

TEST_CASE("local time is told with its offset and its zone") {
    const Zone berlin("CET-1CEST,M3.5.0,M10.5.0/3");
    REQUIRE(local_time(winter));
    CHECK(local_time(winter)->time == "2026-11-30T19:04:16+01:00");
    CHECK(local_time(winter)->zone == "CET");
    CHECK(local_time(summer)->time == "2026-07-01T01:04:16+02:00");
    CHECK(local_time(summer)->zone == "CEST");
}

TEST_CASE("offsets west of Greenwich, and of half an hour") {
    const Zone st_johns("NST3:30");
    CHECK(local_time(winter)->time == "2026-11-30T14:34:16-03:30");
}

TEST_CASE("UTC is not told twice") {
    for (const char* zone : {"UTC0", "Nowhere/Atall", ":/dev/null"}) {
        const Zone utc(zone);
        CHECK(!local_time(winter));
    }
}

} // namespace
} // namespace tinderbox::machine
