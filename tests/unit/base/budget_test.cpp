#include "common/base/budget.hpp"
#include "common/base/json_cost.hpp"
#include "common/base/lines.hpp"
#include "common/base/text.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

using namespace tinderbox;

namespace {

std::string nested(std::string_view open, std::string_view close, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += open;
    for (int i = 0; i < count; ++i) out += close;
    return out;
}

} // namespace

TEST_CASE("a budget is spent to its last unit, and its error names input and budget", "[budget]") {
    Spending spending({.bytes = 10, .nodes = 2, .depth = 3, .files = 1}, "a.txt", ErrorKind::damaged);
    CHECK(spending.bytes(4).ok());
    CHECK(spending.bytes(6).ok());
    CHECK(!spending.bytes(1).ok());
    CHECK(spending.bytes(0).ok());
    CHECK(!spending.bytes(UINT64_MAX).ok()); // no sum overflows
    CHECK(spending.nodes(2).ok());
    CHECK(!spending.nodes().ok());
    CHECK(spending.depth(3).ok());
    CHECK(spending.depth(3).ok()); // not added up
    CHECK(spending.files().ok());
    for (const auto& [status, name] : {std::pair(spending.depth(4), "depth"), std::pair(spending.bytes(1), "size"),
                                       std::pair(spending.nodes(), "entries"), std::pair(spending.files(), "files")}) {
        REQUIRE(!status.ok());
        CHECK(status.error().kind == ErrorKind::damaged);
        CHECK(status.error().message.starts_with("a.txt: "));
        CHECK(status.error().message.find(name) != std::string::npos);
    }
    CHECK(Spending({}, "unlimited").bytes(UINT64_MAX).ok());
}

TEST_CASE("the budget of unpacked bytes grows with the packed ones", "[budget]") {
    const Budget most{.bytes = 1ull << 40};
    CHECK(for_packed(most, 420).bytes < 256u << 20);
    CHECK(for_packed(most, 1u << 30).bytes > 200ull << 30);
    CHECK(for_packed(most, UINT64_MAX).bytes == most.bytes);
    CHECK(for_packed({.bytes = 5}, 420).bytes == 5);
}

TEST_CASE("the cost of JSON is told without reading it", "[budget]") {
    CHECK(is_affordable_json(nested("[", "]", 100)));
    CHECK(!is_affordable_json(nested("[", "]", 101)));
    CHECK(!is_affordable_json(nested("{\"a\":", "}", 101)));
    CHECK(!is_affordable_json(std::string(1000, '['))); // never closed
    CHECK(is_affordable_json("\"" + std::string(1000, '[') + "\\\"" + std::string(1000, '{') + "\""));
    const Budget three{.nodes = 3};
    CHECK(is_affordable_json("[1,2,3]", three));
    CHECK(!is_affordable_json("[1,2,3,4]", three));
    CHECK(!is_affordable_json("[{},{}]", three));
    CHECK(is_affordable_json("[\",,,,,,\"]", three));
    CHECK(check_json_cost("[[[", "x", {.depth = 2}, ErrorKind::network).error().kind == ErrorKind::network);
}

TEST_CASE("lines one by one are those of split_lines", "[budget]") {
    for (std::string text : {"", "\n", "a", "a\n", "a\nb", "a\r\nb\r\n", "\n\na\n\n",
                             "\xef\xbb\xbf"
                             "a\nb",
                             "\r\n\r\n", "a\r"}) {
        std::vector<std::string> one_by_one, list;
        for (std::string_view line : Lines(text)) one_by_one.emplace_back(line);
        for (std::string_view line : split_lines(text)) list.emplace_back(line);
        CHECK(one_by_one == list);
    }
}
