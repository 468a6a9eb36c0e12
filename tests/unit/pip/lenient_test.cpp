// Mistakes in packages' metadata: what uv repairs is repaired, the rest is refused.
#include "generator/pip/lenient.hpp"
#include "generator/pip/metadata.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;
using namespace tinderbox::pip;

TEST_CASE("requirements that uv repairs are repaired", "[lenient]") {
    const std::pair<const char*, const char*> rows[] = {
        {"six (>=1.10<2.0)", ">=1.10,<2.0"},
        {"six>=7.2.0<8.0.0", ">=7.2.0,<8.0.0"},
        {"six>1!=2~=3.1", ">1,!=2,~=3.1"},
        {"six (!=~5.0,>=4.12)", "!=5.0.*,>=4.12"},
        {"six (!=~5,>=4.12)", "!=5.*,>=4.12"},
        {"six (>=1.9.*)", ">=1.9"},
        {"six>=2.7,!=3.0.*,<3.4.*", ">=2.7,!=3.0.*,<3.4"},
        {"six (>=2.7,!=3.0*,!=3.1*)", ">=2.7,!=3.0.*,!=3.1.*"},
        {"six >=3.6,", ">=3.6"},
        {"six>=3.6, ", ">=3.6"},
        {"six>dev", ">0.0.0dev"},
        {"six>=9.0.0a1.0", ">=9.0.0a1"},
        {"six>=9.0rc10.0", ">=9.0rc10"},
        {"six>=1.3.0,<1.4.0',", ">=1.3.0,<1.4.0"},
        {"'six' >=1.19\"; python_version >= \"3.7\"", ">=1.19"},
        {"six>=1.9.*,!=3.0*", ">=1.9,!=3.0.*"}, // two mistakes
        {"six[a,b]>=1<2", ">=1,<2"},
    };
    for (const auto& [text, specifier] : rows) {
        CAPTURE(text);
        auto read = parse_requires_dist(text);
        REQUIRE(read.ok());
        CHECK(read->name == "six");
        CHECK(read->specifier.str() == specifier);
        CHECK(read->marker.has_value() == (std::string_view(text).find(';') != std::string_view::npos));
    }
    // A request is read strictly.
    CHECK_FALSE(Requirement::parse("six (>=1.10<2.0)").ok());
}

TEST_CASE("requirements that nobody can read are refused", "[lenient]") {
    for (const char* text : {"", "six ==", "six >=1.10 <2.0", "six^1.2", "six==1.0.*.*", "six (>=1", "six>=latest",
                             ">=1.0", "six ; python_version", "six>=1 ; python_version >= 3.7", "six>=1.0a*", "a b",
                             "six!=3.10*", "six>=1.9.*<3"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_requires_dist(text).ok());
    }
}

TEST_CASE("Requires-Python is repaired alike", "[lenient]") {
    const std::pair<const char*, const char*> rows[] = {
        {">=2.7, !=3.0.*, !=3.1.*', <3.4.*'", ">=2.7,!=3.0.*,!=3.1.*,<3.4"},
        {">= '2.7'", ">=2.7"},
        {">=\"3.6\"", ">=3.6"},
        {">=3.6<3.9", ">=3.6,<3.9"},
        {"", ""}};
    for (const auto& [text, specifier] : rows) {
        CAPTURE(text);
        auto read = parse_requires_python(text);
        REQUIRE(read.ok());
        CHECK(read->str() == specifier);
    }
    for (const char* text : {"3.6", "~>3.6", ">=3.x", "python>=3"}) CHECK_FALSE(parse_requires_python(text).ok());
}

TEST_CASE("metadata tells what was repaired and what cannot be read", "[metadata]") {
    const Version one = *Version::parse("1"), python = *Version::parse("3.11.9");
    auto why = [&](const std::string& fields) {
        return why_unusable(parse_metadata("Name: x\nVersion: 1\n" + fields + "\n\ntext"), "x", one, python, "3.11");
    };
    CHECK(why("Requires-Dist: six>=1<2\nRequires-Python: >=3.6.*") == "");
    CHECK(why("Requires-Dist: six\nRequires-Dist: six >=1 <2").find("'six >=1 <2'") != std::string::npos);
    CHECK(why("Requires-Python: three").find("'three'") != std::string::npos);
    CHECK(why("Requires-Python: <3.8.*").find("3.11") != std::string::npos);
    CHECK(why_unusable(parse_metadata("Name: y\nVersion: 1\n"), "x", one, python, "3.11") != "");

    const Metadata continued =
        parse_metadata("\xef\xbb\xbfName: x\nRequires-Dist: six\n  >=1<2\nName: z\n\nRequires-Dist: no\n");
    CHECK(continued.name == "x");
    REQUIRE(continued.requires_dist.size() == 1);
    CHECK(continued.requires_dist[0].specifier.str() == ">=1,<2");
    CHECK(continued.repairs.size() == 1);
}
