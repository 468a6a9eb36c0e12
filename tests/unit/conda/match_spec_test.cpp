#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "generator/conda/match_spec.hpp"
#include "source_dir.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <random>

using namespace tinderbox;
using namespace tinderbox::conda;
using nlohmann::json;

namespace {

VersionOrder version(const std::string& text) {
    auto parsed = VersionOrder::parse(text);
    INFO(text);
    if (!parsed.ok()) FAIL(parsed.error().message);
    return std::move(parsed).value();
}

MatchSpec spec(const std::string& text) {
    auto parsed = MatchSpec::parse(text);
    INFO(text);
    if (!parsed.ok()) FAIL(parsed.error().message);
    return std::move(parsed).value();
}

std::string refused(const std::string& text) {
    auto parsed = MatchSpec::parse(text);
    INFO(text);
    REQUIRE(!parsed.ok());
    CHECK(parsed.error().kind == ErrorKind::usage);
    return parsed.error().message;
}

bool matches(const std::string& text, const std::string& of, const std::string& build = "0", std::uint64_t number = 0) {
    VersionOrder parsed = version(of);
    RecordView candidate;
    candidate.name = "n";
    candidate.version = &parsed;
    candidate.build = build;
    candidate.build_number = number;
    candidate.channel = "https://conda.anaconda.org/conda-forge";
    candidate.subdir = "linux-64";
    return spec(text).matches(candidate, {"https://conda.anaconda.org/conda-forge"});
}

// Cases that make_cases.py made with conda's and rattler's own code.
json cases() {
    auto text = read_text(fs::path(TINDERBOX_SOURCE_DIR) / "tests/unit/conda/version_cases.json");
    REQUIRE(text.ok());
    return json::parse(*text);
}

} // namespace

TEST_CASE("the order that conda publishes", "[version]") {
    // The list in conda/models/version.py; true: equal to the version before it.
    const std::pair<const char*, bool> list[] = {
        {"0.4", false},       {"0.4.0", true},       {"0.4.1.rc", false}, {"0.4.1.RC", true},  {"0.4.1", false},
        {"0.5a1", false},     {"0.5b3", false},      {"0.5C1", false},    {"0.5", false},      {"0.9.6", false},
        {"0.960923", false},  {"1.0", false},        {"1.1dev1", false},  {"1.1_", false},     {"1.1a1", false},
        {"1.1.0dev1", false}, {"1.1.dev1", true},    {"1.1.a1", false},   {"1.1.0rc1", false}, {"1.1.0", false},
        {"1.1", true},        {"1.1.0post1", false}, {"1.1.post1", true}, {"1.1post1", false}, {"1996.07.12", false},
        {"1!0.4.1", false},   {"1!3.1.1.6", false},  {"2!0.4.1", false}};
    for (std::size_t i = 0; i + 1 < std::size(list); ++i)
        for (std::size_t j = i + 1; j < std::size(list); ++j) {
            bool equal = true;
            for (std::size_t k = i + 1; k <= j; ++k) equal = equal && list[k].second;
            INFO(list[i].first << " and " << list[j].first);
            CHECK((version(list[i].first) <=> version(list[j].first)) ==
                  (equal ? std::weak_ordering::equivalent : std::weak_ordering::less));
        }
    CHECK(version("1.0.1_") < version("1.0.1a"));
    CHECK(version("12345678901234567890123") > version("12345678901234567890122"));
    CHECK(version("12345678901234567890123") > version("9"));
    CHECK(version("1.0-1") == version("1.0_1"));
}

TEST_CASE("versions as conda and rattler order them", "[version]") {
    auto all = cases();
    REQUIRE(all["order"].size() > 2000);
    for (const json& row : all["order"]) {
        VersionOrder left = version(row[0]), right = version(row[1]);
        INFO(left.text() << " and " << right.text());
        CHECK((left <=> right) == (row[2].get<int>() <=> 0));
        CHECK((right <=> left) == (0 <=> row[2].get<int>()));
    }
}

TEST_CASE("the version order is an order", "[version][property]") {
    auto all = cases();
    std::vector<VersionOrder> some;
    for (std::size_t i = 0; i < 150; ++i) some.push_back(version(all["order"][i][0]));
    for (const VersionOrder& a : some) {
        CHECK(a == a);
        CHECK(a.starts_with(a));
        for (const VersionOrder& b : some) {
            if (a == b) CHECK(!(a < b));
            for (std::size_t k = 0; k < some.size(); k += 7)
                if (a <= b && b <= some[k]) CHECK(a <= some[k]);
        }
    }
}

TEST_CASE("what is no version", "[version]") {
    for (const char* text :
         {"", " ", ".", "1..2", "1.", ".1", "1!!2", "a!1", "1+2+3", "+1", "1 2", "1/2", "1,2", "é", "1__2", "1!"}) {
        INFO(text);
        CHECK(!VersionOrder::parse(text).ok());
    }
    CHECK(!VersionOrder::parse(std::string(600, '1')).ok());
}

TEST_CASE("match specs as conda and rattler match them", "[match_spec]") {
    auto all = cases();
    REQUIRE(all["match"].size() > 2500);
    for (const json& row : all["match"]) {
        INFO(row.dump());
        CHECK(matches(row[0], row[1], row[2], row[3]) == row[4].get<bool>());
    }
    for (const json& row : all["rattler_differs"])
        if (row.size() == 6) {
            INFO(row.dump());
            CHECK(matches(row[0], row[1], row[2], row[3]) == row[4].get<bool>()); // conda's answer decides
        }
}

TEST_CASE("every spelling of a match spec", "[match_spec]") {
    CHECK(matches("n=3.9", "3.9.7"));
    CHECK(matches("n =3.9", "3.9.7"));
    CHECK(matches("n= 3.9", "3.9.7"));
    CHECK(!matches("n=3.9", "3.90"));
    CHECK(!matches("n==3.9", "3.9.7"));
    CHECK(matches("n==3.9", "3.9.0"));
    CHECK(matches("n 3.9.*", "3.9"));
    CHECK(matches("n>=1.8,<2.0a0", "1.9"));
    CHECK(!matches("n>=1.8,<2.0a0", "2.0a1"));
    CHECK(matches("n 1.0|>=3", "4"));
    CHECK(!matches("n~=1.4.2", "1.5"));
    CHECK(matches("n~=1.4.2", "1.4.9"));
    CHECK(!matches("n!=1.4.*", "1.4.2"));
    CHECK(matches("n * *cuda*", "1", "cuda112_0"));
    CHECK(!matches("n=1.0=py39*", "1.0.1", "py39_0"));
    CHECK(matches("n=1.0=py39*", "1.0", "py39_0"));
    CHECK(matches("n[build_number='>=2']", "1", "b", 3));
    CHECK(!matches("n[build_number=2]", "1", "b", 3));
    CHECK(matches("conda-forge/linux-64::n", "1"));
    CHECK(!matches("conda-forge/noarch::n", "1"));
    CHECK(matches("n[channel=conda-forge, subdir=linux-64]", "1"));
    CHECK(matches("n >=1 # a comment", "1"));
    CHECK(spec("https://host/chan/linux-64::N[md5='" + std::string(32, 'A') + "']").channel == "https://host/chan");
    CHECK(spec("https://host/chan/linux-64::N").subdir == "linux-64");
    CHECK(spec("pkgs/main::python").channel == "pkgs/main");
    CHECK(spec("N").name == "n");
    CHECK(dependency_name("conda-forge::numpy >=1") == "numpy");
    CHECK(dependency_name("numpy") == "numpy");
    CHECK(dependency_name("numpy>=1") == "numpy");
}

TEST_CASE("what is no match spec gets a sentence", "[match_spec]") {
    auto has = [](const std::string& text, std::string_view part) {
        std::string message = refused(text);
        INFO(message);
        CHECK(message.find(part) != std::string::npos);
    };
    has("", "does not begin with a package's name");
    has("=1.0", "does not begin with a package's name");
    has("numpy=", "no version behind");
    has("numpy>=", "no version behind");
    has("numpy==1.0=", "no build behind its last '='");
    has("numpy 1 2 3", "more than a name, a version and a build");
    has("numpy[version=1", "'[' without a ']'");
    has("numpy]", "']' without a '['");
    has("numpy[>=1]", "unknown field");
    has("numpy[extra]", "no KEY=VALUE");
    has("numpy[version='1]", "a quote that is not closed");
    has("numpy[md5=12]", "md5 is not 32");
    has("numpy[sha256=zz]", "sha256 is not 64");
    has("numpy[colour=red]", "unknown field 'colour'");
    has("numpy[version=1,version=2]", "twice");
    has("numpy>=1.0,,<2", "lacks a version");
    has("numpy (>=1", "not closed");
    has("numpy >=1)", "without a '('");
    has("numpy===1", "");
    has("numpy~=1", "two parts");
    has("numpy=1..2", "empty part");
    has("::numpy", "no channel");
    has("numpy@1", "follows the name");
    has("numpy ^1(", "");
    has("numpy * ^a{9999}{9999}$", "not supported");
    has("numpy * ^a?" + std::string(50, '+') + "$", "not supported");
    has("numpy * ^" + std::string(50, '(') + "a" + replace_all(std::string(50, 'x'), "x", "+)") + "$", "not supported");
}
