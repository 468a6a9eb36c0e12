#include "common/base/member_path.hpp"
#include "common/base/names.hpp"
#include "common/base/shell_quote.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;

TEST_CASE("an environment's name is a directory, a word and a prompt", "[names]") {
    for (std::string_view good :
         {"lab", "Py3.11", "_x", "gpu-12+cu", "a.b_c-d", "a=1,b~2@c", "0", "übung", "环境", "env"})
        CHECK(check_environment_name(good).ok());
    for (std::string_view bad : {"",
                                 ".",
                                 "..",
                                 ".hidden",
                                 "-x",
                                 "+x",
                                 "a/b",
                                 "a b",
                                 "a;touch x",
                                 "a$(id)",
                                 "a`id`",
                                 "a'b",
                                 "a\"b",
                                 "a\\b",
                                 "a\nb",
                                 "a\tb",
                                 "a\x1b[0m",
                                 "a:b",
                                 "a#b",
                                 "a*",
                                 "a%n",
                                 "a!b",
                                 "~a",
                                 "=a",
                                 "@x",
                                 "a&b",
                                 "a|b",
                                 "a<b",
                                 "a\x7f",
                                 "a\xc2\x9b",
                                 "a\xe2\x80\xae",
                                 "a\xff",
                                 "TINDERBOX_TEXT\nid"})
        CHECK_FALSE(check_environment_name(bad).ok());
    CHECK_FALSE(check_environment_name(std::string_view("a\0b", 3)).ok());
    CHECK(check_environment_name(std::string(name_limit, 'x')).ok());
    CHECK_FALSE(check_environment_name(std::string(name_limit + 1, 'x')).ok());
}

TEST_CASE("an installer's name can be the last part of a prefix", "[names]") {
    for (std::string_view good : {"lab", "my file", "it's", "a;b", "v1.0 (test)"})
        CHECK(check_installer_name(good).ok());
    for (std::string_view bad : {"", ".", "..", "a/b", "a:b", "a\"b", "a\\b", "a\nb", "a\x1b", "a\xff", "\xe2\x80\xae"})
        CHECK_FALSE(check_installer_name(bad).ok());
}

TEST_CASE("variables are POSIX names and texts of one line", "[names]") {
    for (std::string_view good : {"A", "_a1", "PATH"}) CHECK(check_variable_name(good).ok());
    for (std::string_view bad : {"", "1A", "A;touch x;B", "A-B", "A=B", "A B", "A\n", "A$B", "\xc3\xa9", "A."})
        CHECK_FALSE(check_variable_name(bad).ok());
    for (std::string_view good : {"", "x y", "it's $HOME `id` \"q\" \\ ! ~", "tab\there", "ü"})
        CHECK(check_variable_value("A", good).ok());
    for (std::string_view bad : {"a\nb", "a\rb", "\x01", "a\x1b[0m", "a\x7f", "x\nTINDERBOX_TEXT\nid"})
        CHECK_FALSE(check_variable_value("A", bad).ok());
    CHECK(check_variable("A", "b").ok());
    CHECK_FALSE(check_variable("A;B", "b").ok());
}

TEST_CASE("each shell has its own quotes", "[names]") {
    CHECK(shell_quote("a'b") == R"('a'\''b')");
    CHECK(fish_quote(R"(\'; touch x; #)") == R"('\\\'; touch x; #')");
    CHECK(fish_quote("plain/1") == "plain/1");
    CHECK(csh_quote("a!b'c") == R"('a\!b'\''c')");
    CHECK(csh_quote("") == "''");
}

TEST_CASE("paths and links below a prefix", "[names]") {
    CHECK_FALSE(safe_relative_path("a\xc2\x9b"
                                   "b")
                    .ok());
    CHECK_FALSE(safe_relative_path("a\tb").ok());
    std::string longest;
    while (longest.size() + 201 <= member_path_limit) longest += std::string(200, 'd') + "/";
    longest += std::string(member_path_limit - longest.size(), 'f');
    CHECK(safe_relative_path(longest).ok());
    CHECK_FALSE(safe_relative_path(longest + "f").ok());
    CHECK(check_link_target("lib/a", "../bin/x").ok());
    for (std::string_view bad : {"", "/etc", "../../x", "\x01/../..", "\x01", "x\nf 0 0 644 bin/sh", "x\ty", "x\x7f",
                                 "a\xc2\x85", "x/../../../y"})
        CHECK_FALSE(check_link_target("lib/a", bad).ok());
    CHECK_FALSE(check_link_target("a", longest + "f").ok());
}
