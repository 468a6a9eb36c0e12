#include "common/base/wrap.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;

TEST_CASE("text wraps at words below its own beginning") {
    CHECK(wrapped("one two three", 0, 0) == "one two three");
    CHECK(wrapped("aaaa bbbb cccc dddd eeee ffff", 4, 28) == "aaaa bbbb cccc dddd eeee\n    ffff");
    CHECK(wrapped("see /a/path/that/is/longer/than/the/line now", 4, 28) ==
          "see\n    /a/path/that/is/longer/than/the/line\n    now");
    // Characters count, not bytes.
    CHECK(wrapped("ääää öööö üüüü ßßßß éééé", 0, 24) == "ääää öööö üüüü ßßßß éééé");
    // Further lines keep their own indentation.
    CHECK(wrapped("the reason:\n  aaaa bbbb cccc dddd eeee ffff", 4, 28) ==
          "the reason:\n  aaaa bbbb cccc dddd eeee\n  ffff");
    CHECK(wrapped("two  blanks stay", 0, 40) == "two  blanks stay");
    CHECK(wrapped("no room for words here", 20, 28) == "no room for words here");
    CHECK(wrapped("", 4, 28).empty());
}

TEST_CASE("text is cut between characters") {
    CHECK(cut_to_width("äöü", 3) == "äöü");
    CHECK(cut_to_width("äöüß", 3) == "äö…");
    CHECK(cut_to_width("abc", 0) == "…");
}
