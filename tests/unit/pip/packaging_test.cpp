// Compares versions, specifiers, markers, requirements, tags and wheel names with the answers of `packaging`
// (packaging_cases.json, made by make_cases.py).
#include "common/base/file.hpp"
#include "generator/pip/requirement.hpp"
#include "generator/pip/tags.hpp"
#include "source_dir.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

using namespace tinderbox;
using namespace tinderbox::pip;
using nlohmann::json;

namespace {

const json& cases() {
    static const json all = [] {
        auto text = read_text(TINDERBOX_SOURCE_DIR "/tests/unit/pip/packaging_cases.json");
        REQUIRE(text.ok());
        return json::parse(*text);
    }();
    return all;
}

} // namespace

TEST_CASE("versions are read and normalised as packaging does", "[version]") {
    for (const json& row : cases()["versions"]) {
        CAPTURE(row.dump());
        auto version = Version::parse(row[0].get<std::string>());
        REQUIRE(version.has_value() == (row.size() > 1));
        if (!version) continue;
        CHECK(version->str() == row[1]);
        CHECK(version->public_str() == row[2]);
        CHECK(version->base_str() == row[3]);
        CHECK(version->is_prerelease() == row[4]);
    }
}

TEST_CASE("versions are ordered as packaging does", "[version]") {
    for (const json& row : cases()["order"]) {
        CAPTURE(row.dump());
        auto order = *Version::parse(row[0].get<std::string>()) <=> *Version::parse(row[1].get<std::string>());
        CHECK((order > 0) - (order < 0) == row[2]);
    }
}

TEST_CASE("specifiers match what packaging matches", "[version]") {
    for (const json& row : cases()["specifiers"]) {
        CAPTURE(row[0].dump());
        auto set = SpecifierSet::parse(row[0].get<std::string>());
        REQUIRE(set.ok());
        for (const json& candidate : cases()["candidates"]) {
            CAPTURE(candidate.dump());
            bool expected = std::ranges::find(row[1], candidate) != row[1].end();
            CHECK(set->matches(*Version::parse(candidate.get<std::string>())) == expected);
        }
        CHECK(set->names_prerelease() == row[2]);
    }
    for (const json& row : cases()["specifier_syntax"]) {
        CAPTURE(row.dump());
        CHECK(Specifier::parse(row[0].get<std::string>()).has_value() == row[1]);
    }
}

TEST_CASE("markers decide as packaging does", "[marker]") {
    struct Machine {
        const char *python, *platform;
    };
    for (const json& row : cases()["markers"]) {
        CAPTURE(row.dump());
        auto marker = Marker::parse(row[0].get<std::string>());
        if (row[1].is_null() || row[1][0].is_null()) {
            CHECK(!marker.ok());
            continue;
        }
        REQUIRE(marker.ok());
        // The printed marker means the same.
        auto again = Marker::parse(marker->str());
        REQUIRE(again.ok());
        std::size_t at = 0;
        for (Machine machine : {Machine{"3.9.18", "linux-64"}, {"3.11", "linux-64"}, {"3.13.1", "linux-aarch64"}}) {
            Target target;
            target.python = machine.python;
            target.platform = machine.platform;
            auto environment = marker_environment(target);
            for (const char* extra : {"", "test", "test-extra", "docs"}) {
                CAPTURE(machine.python, extra);
                std::vector<std::string> extras;
                if (*extra) extras.push_back(extra);
                CHECK(marker->evaluate(environment, extras) == row[1][at]);
                CHECK(again->evaluate(environment, extras) == row[1][at]);
                ++at;
            }
        }
    }
    CHECK(!Marker::parse(std::string(10000, '(')).ok());
}

TEST_CASE("requirements are read as packaging does", "[requirement]") {
    for (const json& row : cases()["requirements"]) {
        CAPTURE(row.dump());
        auto requirement = Requirement::parse(row[0].get<std::string>());
        if (row.size() == 1) {
            CHECK(!requirement.ok());
            if (!requirement.ok()) CHECK(requirement.error().kind == ErrorKind::usage);
            continue;
        }
        if (!requirement.ok()) FAIL(requirement.error().message);
        CHECK(requirement->name == row[1]);
        CHECK(json(requirement->extras) == row[2]);
        std::vector<std::string> clauses;
        for (const Specifier& clause : requirement->specifier.clauses()) clauses.push_back(clause.str());
        std::ranges::sort(clauses);
        CHECK(json(clauses) == row[3]);
        CHECK(requirement->url == row[4]);
        CHECK(requirement->marker.has_value() == row[5]);
    }
}

TEST_CASE("the tags and their order are pip's", "[tags]") {
    for (const json& row : cases()["tags"]) {
        Target target{row["python"], row["platform"], row["glibc"], row["threaded"]};
        CAPTURE(target.python, target.platform);
        REQUIRE(target.check().ok());
        auto tags = supported_tags(target);
        REQUIRE(tags.size() == row["count"]);
        for (const json& one : row["some"]) CHECK(tags[one[0]].str() == one[1]);
        CHECK(TagRanking(target).rank(tags[7]) == 7);
    }
}

TEST_CASE("wheel names are read as packaging does", "[tags]") {
    for (const json& row : cases()["wheels"]) {
        CAPTURE(row.dump());
        auto name = parse_wheel_name(row[0].get<std::string>());
        REQUIRE(name.has_value() == (row.size() > 1));
        if (!name) continue;
        CHECK(name->name == row[1]);
        CHECK(name->version.str() == row[2]);
        CHECK(name->build.present == !row[3].empty());
        if (name->build.present) {
            CHECK(name->build.number.str() == std::to_string(row[3][0].get<int>()));
            CHECK(name->build.rest == row[3][1]);
        }
        std::vector<std::string> tags;
        for (const Tag& tag : name->tags) tags.push_back(tag.str());
        std::ranges::sort(tags);
        CHECK(json(tags) == row[4]);
    }
}

TEST_CASE("a target that makes no sense is refused in words", "[tags]") {
    CHECK(Target{"2.7", "linux-64", "2.28", false}.check().error().message.find("Python 3") != std::string::npos);
    CHECK(Target{"3.11", "win-64", "2.28", false}.check().error().kind == ErrorKind::usage);
    CHECK(!Target{"3.11", "linux-64", "28", false}.check().ok());
    CHECK(!Target{"3.12", "linux-64", "2.28", true}.check().ok());
}

TEST_CASE("sdists are told from other projects' files", "[tags]") {
    CHECK(parse_sdist_name("zope.interface-5.0.tar.gz", "zope-interface")->str() == "5.0");
    CHECK(parse_sdist_name("my-long-name-1.0rc1.zip", "my-long-name")->str() == "1.0rc1");
    CHECK(!parse_sdist_name("foo-1.0-py3-none-any.whl", "foo"));
    CHECK(!parse_sdist_name("bar-1.0.tar.gz", "foo"));
}
