#include "common/base/edit_distance.hpp"
#include "common/base/last_component.hpp"
#include "common/base/text.hpp"
#include "common/base/time.hpp"
#include "common/base/utf8.hpp"
#include "common/base/version_order.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>

using namespace tinderbox;

TEST_CASE("UTF-8 has one to four bytes a character, and only shortest forms", "[utf8]") {
    std::string text;
    for (char32_t code : {U'a', U'ü', U'€', U'😀', U'\x7f', U'\x80', U'\x7ff', U'\x800', U'\xffff', U'\x10000'})
        append_utf8(text, code);
    CHECK(text == "aü€😀\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80");
    CHECK(is_valid_utf8(text));
    CHECK(is_valid_utf8(""));
    CHECK_FALSE(is_valid_utf8("\xc0\x80"));
    CHECK_FALSE(is_valid_utf8("\xed\xa0\x80"));
    CHECK_FALSE(is_valid_utf8("a\xe2\x82"));
    CHECK_FALSE(is_valid_utf8("\xf4\x90\x80\x80"));
    CHECK_FALSE(is_scalar_value(0xd800));
    CHECK_FALSE(is_scalar_value(0x110000));
    CHECK(is_scalar_value(0x10ffff));
    CHECK(latin1_to_utf8("M\xfcller") == "Müller");
    CHECK(to_utf8("M\xfcller") == "Müller");
    CHECK(to_utf8("Müller") == "Müller");
}

TEST_CASE("Latin-1 comes back from UTF-8 as it was", "[utf8]") {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
    CHECK(utf8_to_latin1(latin1_to_utf8(bytes)) == bytes);
    for (const char* other : {"€", "\xc3", "\xc3(", "\xff", "\xc0\x80"}) CHECK_FALSE(utf8_to_latin1(other));
}

TEST_CASE("the last component of a path", "[path]") {
    CHECK(last_component("a/b/c.so") == "c.so");
    CHECK(last_component("c.so") == "c.so");
    CHECK(last_component("a/b/") == "");
    CHECK(last_component("") == "");
}

TEST_CASE("dotted versions are compared number by number", "[version]") {
    CHECK(compare_versions("2.9", "2.17") < 0);
    CHECK(compare_versions("2.17", "2.17") == 0);
    CHECK(compare_versions("2.17", "2.17.0") == 0);
    CHECK(compare_versions("2.2.5", "2.2") > 0);
    CHECK(compare_versions("525.105", "525.60.13") > 0);
    CHECK(compare_versions("5", "525") < 0);
    CHECK(compare_versions("", "2.17") < 0);
}

TEST_CASE("the edit distance counts insertions, removals and replacements", "[text]") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("abc", "") == 3);
    CHECK(edit_distance("numpy", "numyp") == 2);
    CHECK(edit_distance("kitten", "sitting") == 3);
    CHECK(edit_distance("sitting", "kitten") == 3);
}

TEST_CASE("a list names its first texts, and counts the others", "[text]") {
    const std::vector<std::string> four = {"a", "b", "c", "d"}, two = {"a", "b"};
    CHECK(some_of({}, 3).empty());
    CHECK(some_of({"a"}, 3) == "a");
    CHECK(some_of(four, 4) == "a, b, c, d");
    CHECK(some_of(four, 3) == "a, b, c and 1 more");
    CHECK(some_of(four, 1) == "a and 3 more");
    CHECK(some_of(four, 2, "; ") == "a; b; and 2 more");
    CHECK(some_of(two, 2, "; ") == "a; b");
    CHECK(all_or_some({}, 3).empty());
    CHECK(all_or_some({"a"}, 3) == "a");
    CHECK(all_or_some(two, 3) == "a and b");
    CHECK(all_or_some(four, 3) == "a, b, c and d");
    CHECK(all_or_some(four, 2) == "a, b and 2 more");
}

TEST_CASE("times are UTC, by the proleptic Gregorian calendar", "[time]") {
    CHECK(utc_time(0) == "1970-01-01T00:00:00Z");
    CHECK(utc_time(315532800) == "1980-01-01T00:00:00Z");
    CHECK(utc_time(1709251199) == "2024-02-29T23:59:59Z");
    CHECK(utc_time(-1) == "1969-12-31T23:59:59Z");
    CHECK(utc_time_spaced(1709251199) == "2024-02-29 23:59:59");
}

TEST_CASE("SOURCE_DATE_EPOCH is a whole number or an error", "[time]") {
    auto with = [](const char* value) {
        ::setenv("SOURCE_DATE_EPOCH", value, 1);
        auto out = source_date_epoch();
        ::unsetenv("SOURCE_DATE_EPOCH");
        return out;
    };
    CHECK(with("315532800").value() == 315532800);
    CHECK_FALSE(with("").value());
    CHECK_FALSE(source_date_epoch().value());
    for (const char* bad : {"1.5", "now", "12 ", "99999999999999999999"}) {
        INFO(bad);
        auto answer = with(bad);
        REQUIRE_FALSE(answer.ok());
        CHECK(answer.error().kind == ErrorKind::usage);
    }
}
