#include "common/base/visible.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;

TEST_CASE("a terminal shows control characters instead of obeying them", "[visible]") {
    CHECK(visible("plain ü 环境 …") == "plain ü 环境 …");
    CHECK(visible("a\x1b[2J\rb\n") == R"(a\x1b[2J\x0db\x0a)");
    CHECK(visible("\x7f\xc2\x9b\xe2\x80\xae\xe2\x80\xa8") == R"(\u007f\u009b\u202e\u2028)");
    CHECK(visible("\xf3\xa0\x80\x81") == R"(\udb40\udc01)");
    CHECK(visible("\xff\xc3(\xed\xa0\x80") == R"(\xff\xc3(\xed\xa0\x80)");
    CHECK(visible("\xe2\x80") == R"(\xe2\x80)");
    CHECK(visible_lines("a\r\nb\tc\rd\n\f") == "a\nb\tc\\x0dd\n\\x0c");
    CHECK(is_visible("a b ü"));
    for (std::string_view bad : {"\n", "\t", "\x1b", "\xef\xbb\xbf", "\xe2\x81\xa6", "\xc2\xad", "\xc0\x80"})
        CHECK_FALSE(is_visible(bad));
}

TEST_CASE("own colours stay where there may be some, others do not", "[visible]") {
    const std::string_view text = "\x1b[1mhead\x1b[0m \x1b]0;title\x07 \x1b[2J \x1b[999m";
    CHECK(visible_output(text, true) == "\x1b[1mhead\x1b[0m \\x1b]0;title\\x07 \\x1b[2J \\x1b[999m");
    CHECK(visible_output(text, false).find('\x1b') == std::string::npos);
}
