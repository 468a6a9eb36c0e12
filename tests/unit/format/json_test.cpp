#include "common/format/json_fields.hpp"
#include "common/format/json_read.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;
using format::JsonFields;
using nlohmann::json;

namespace {
const json object = json::parse(R"({"text": "a", "list": ["a", "b"], "mixed": ["a", 1], "number": 7, "negative": -7,
                                    "real": 1.5, "flag": true, "map": {"A": "1"}, "bad_map": {"A": 1}})");
} // namespace

TEST_CASE("checked fields are read when they have their type", "[json]") {
    JsonFields fields(object, "FILE", "make it again");
    std::string text, missing = "as before";
    std::vector<std::string> list;
    std::uint64_t number = 0;
    std::int64_t negative = 0;
    bool flag = false;
    std::map<std::string, std::string> map;
    fields.text("text", text, true);
    fields.text("absent", missing);
    fields.texts("list", list);
    fields.integer("number", number);
    fields.integer("negative", negative);
    fields.flag("flag", flag);
    fields.text_map("map", "variable", map);
    CHECK(fields.status().ok());
    CHECK(text == "a");
    CHECK(missing == "as before");
    CHECK(list == std::vector<std::string>{"a", "b"});
    CHECK(number == 7);
    CHECK(negative == -7);
    CHECK(flag);
    CHECK(map == std::map<std::string, std::string>{{"A", "1"}});
}

TEST_CASE("a checked field of another type is an error, and the first one is kept", "[json]") {
    auto error_of = [](auto read) {
        JsonFields fields(object, "FILE", "make it again", ErrorKind::damaged);
        read(fields);
        fields.fail("a later mistake");
        return fields.status().error();
    };
    std::string text;
    std::vector<std::string> list;
    std::uint64_t number = 0;
    bool flag = false;
    std::map<std::string, std::string> map;
    CHECK(error_of([&](JsonFields& f) { f.text("number", text); }).message ==
          "FILE: 'number' is not a string; make it again");
    CHECK(error_of([&](JsonFields& f) { f.text("absent", text, true); }).message ==
          "FILE: it lacks 'absent'; make it again");
    CHECK(error_of([&](JsonFields& f) { f.texts("mixed", list); }).message ==
          "FILE: 'mixed' is not a list of strings; make it again");
    CHECK(error_of([&](JsonFields& f) { f.integer("negative", number); }).message ==
          "FILE: 'negative' is not a whole number; make it again");
    CHECK(error_of([&](JsonFields& f) { f.integer("real", number); }).kind == ErrorKind::damaged);
    CHECK(error_of([&](JsonFields& f) { f.flag("text", flag); }).message ==
          "FILE: 'text' is not true or false; make it again");
    CHECK(error_of([&](JsonFields& f) { f.text_map("bad_map", "variable", map); }).message ==
          "FILE: the variable 'A' is not a string; make it again");
}

TEST_CASE("what a checked field must not be", "[json]") {
    auto is_good = [](const json& value, auto number) {
        const json one = {{"number", value}};
        JsonFields fields(one, "FILE", "make it again");
        fields.integer("number", number);
        return fields.status().ok();
    };
    CHECK(is_good(255, std::uint8_t{}));
    CHECK_FALSE(is_good(256, std::uint8_t{}));
    CHECK_FALSE(is_good(-1, std::uint64_t{}));
    CHECK(is_good(UINT64_MAX, std::uint64_t{}));
    CHECK_FALSE(is_good(UINT64_MAX, std::int64_t{}));
    CHECK(is_good(nullptr, std::int64_t{})); // as if it were missing
    CHECK_FALSE(JsonFields(json::array(), "FILE", "make it again").status().ok());
}

TEST_CASE("tolerant fields are empty when they do not fit", "[json]") {
    CHECK(format::text_field(object, "text") == "a");
    CHECK(format::text_field(object, "number").empty());
    CHECK(format::text_of(object, "number") == "7");
    CHECK(format::integer_of(object, "negative", 1) == -7);
    CHECK(format::integer_of(object, "real", 1) == 1);
    CHECK(format::integer_of(object, "absent", 1) == 1);
    CHECK(format::text_view(object, "text") == "a");
    CHECK(format::text_view(object, "list").empty());
    CHECK(format::number_of(object, "number") == 7);
    CHECK(format::number_of(object, "negative") == 0);
    CHECK(format::number_of(object, "real") == 1);
    CHECK(format::number_of(json{{"large", 1e300}}, "large") == 0);
    CHECK_FALSE(format::flag_of(object, "text"));
    CHECK(format::text_field(json::array(), "text").empty());
}
