// Small files that ask for much are refused at once; large ones that are meant are read.
#include "common/base/file.hpp"
#include "generator/spec/reader.hpp"
#include "generator/spec/toml.hpp"
#include "generator/spec/yaml.hpp"
#include "tests/unit/check_contains.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;
using namespace tinderbox::spec;

namespace {

std::string times(int count, std::string_view text) {
    std::string out;
    for (int i = 0; i < count; ++i) out += text;
    return out;
}

std::string read_toml(std::string_view text, const Budget& budget = toml_budget) {
    auto file = TomlFile::parse(text, "p.toml", budget);
    return file.ok() ? "read" : file.error().message;
}

std::string read_yaml(std::string_view text, const Budget& budget = conda::yaml_budget) {
    auto file = YamlFile::parse(text, "e.yml", "an environment.yml", budget);
    return file.ok() ? "read" : file.error().message;
}

std::string read(std::string_view text) {
    auto request = parse_spec(text, "file");
    return request.ok() ? "read" : request.error().message;
}

void write(const fs::path& path, std::string_view text) { REQUIRE(write_atomically(path, text).ok()); }

} // namespace

TEST_CASE("TOML: brackets and dots are levels, wherever they stand", "[budget]") {
    CHECK(read_toml("a = " + times(100, "[") + times(100, "]")) == "read");
    for (const std::string& text :
         {"a = " + times(5000, "["), "a = " + times(5000, "{a="), times(50000, "a.") + "b = 1",
          "[" + times(50000, "a.") + "b]", "[[" + times(50000, "\"a\" . ") + "b]]",
          "x = {" + times(50000, "a.") + "b=1}", "x = " + times(60, "[{a.b.c = ") + "1"})
        CHECK_CONTAINS(read_toml(text), "p.toml:1: it takes more than 100 levels");
    CHECK(read_toml("a = \"" + times(200, "[.") + "\"\nb = '" + times(200, "{.") + "' # " + times(200, "[.") +
                    "\nc = '''\n" + times(200, "[.") + "'''\nd = 1.5\ne = \"\\\"" + times(200, "[") + "\"") == "read");
    CHECK_CONTAINS(read_toml("a = [" + times(10, "1,") + "]", {.nodes = 10}), "p.toml: it takes more than 10 entries");
    CHECK(read_toml("a = [" + times(8, "1,") + "]", {.nodes = 10}) == "read");
}

TEST_CASE("TOML: a hundred thousand keys are read in the file's order", "[budget]") {
    std::string text;
    for (int i = 100'000; i > 0; --i) text += fmt::format("k{} = {}\n", i, i);
    auto file = TomlFile::parse(text, "p.toml");
    REQUIRE(file.ok());
    CHECK(file->root().as_table().size() == 100'000);
    CHECK(file->root().as_table().begin()->first == "k100000");
    CHECK(*file->number(file->root(), "k777") == 777);
    CHECK_CONTAINS(read_toml(text + "k5 = 1\n"), "p.toml:100001:");
}

TEST_CASE("YAML: aliases count as what they name", "[budget]") {
    std::string laughs = "a0: &a0 [x, x]\n";
    for (int i = 1; i < 12; ++i)
        laughs += fmt::format("a{}: &a{} [{}]\n", i, i, times(9, fmt::format("*a{}, ", i - 1)));
    CHECK_CONTAINS(read_yaml(laughs), "budget (entries)");
    CHECK_CONTAINS(read_yaml("a: &a '" + times(1 << 20, "y") + "'\nb: [" + times(100, "*a, ") + "]"), "budget (size)");
    CHECK_CONTAINS(read_yaml("a: &a [b, *a]"), "e.yml:1:11: an alias stands inside the value that it names");
    CHECK_CONTAINS(read_yaml("a: &a\n  <<: *a"), "an alias stands inside");
    CHECK_CONTAINS(read_yaml("a: " + times(200, "[")), "budget (depth)");
    CHECK_CONTAINS(read_yaml("a:\n" + times(200, "- ") + "b"), "budget (depth)");
    CHECK_CONTAINS(read_yaml("a: &a [[x]]\nb: [[*a]]", {.depth = 4}), "budget (depth)");
    CHECK(read_yaml("a: &a [[x]]\nb: [[*a]]", {.depth = 5}) == "read");
    CHECK(read_yaml("a: &a {b: c}\nd:\n  <<: *a\ne: *a", {.nodes = 16}) == "read");
}

TEST_CASE("jinja: what expressions make is counted", "[budget]") {
    const std::string head = "name: a\nversion: 1\nspecs: [python]\n{% set a = 'xxxxxxxx' %}\n";
    for (std::string_view line :
         {"{% set a = a ~ a %}\n", "{% set a = a + a %}\n", "{% set a = a.replace('x', 'xxxxxxxxxx') %}\n",
          "# {{ a ~ a ~ a }}{% set a = a ~ a %}\n"})
        CHECK_CONTAINS(read(head + times(40, line)), "budget (size)");
    CHECK_CONTAINS(read(head + times(100'000, "{% if true %}\n")), "budget (depth)");
    CHECK_CONTAINS(read(head + times(100'001, "{# a #}")), "budget (entries)");
    CHECK(read(head + times(50'000, "{# a #}")) == "read");
}

TEST_CASE("a construct.yaml is no environment_file", "[budget]") {
    auto directory = TemporaryDirectory::make();
    REQUIRE(directory.ok());
    const std::string own = (directory->path() / "construct.yaml").string(),
                      other = (directory->path() / "o.yaml").string();
    write(own, "name: a\nversion: 1\nenvironment_file: construct.yaml\n");
    CHECK_CONTAINS(read_spec(own).error().message, "construct.yaml:3:19: 'environment_file' names");
    write(own, "name: a\nversion: 1\nenvironment_file: ./o.yaml\n");
    write(other,
          "name: a\nversion: 1\nenvironment_file: ../" + directory->path().filename().string() + "/construct.yaml\n");
    CHECK_CONTAINS(read_spec(own).error().message, "which is a construct.yaml, too");
}

TEST_CASE("requirements: each included file is read once, and all of them count", "[budget]") {
    auto directory = TemporaryDirectory::make();
    REQUIRE(directory.ok());
    auto path = [&](std::string_view name) { return (directory->path() / name).string(); };
    for (int level = 0; level < 9; ++level)
        write(path(fmt::format("r{}.txt", level)),
              times(4, fmt::format("-r r{}.txt\n", level + 1)) + times(4, fmt::format("-r ./r{}.txt\n", level + 1)));
    write(path("r9.txt"), "six\n");
    auto request = read_spec(path("r0.txt"));
    REQUIRE(request.ok());
    CHECK(request->pip.size() == 1);
    write(path("both.txt"), "-r r9.txt\n-c r9.txt\n-c r9.txt\n");
    request = read_spec(path("both.txt"));
    REQUIRE(request.ok());
    CHECK(request->pip.size() == 1);
    CHECK(request->pip_constraints.size() == 1);
    write(path("many.txt"), times(10'001, "-r r9.txt\n"));
    CHECK_CONTAINS(read_spec(path("many.txt")).error().message, "many.txt:10001: ");
    CHECK_CONTAINS(read_spec(path("many.txt")).error().message, "10000 included files");
    write(path("environment.yml"), "dependencies:\n- pip:\n" + times(10'001, "  - -r r9.txt\n"));
    CHECK_CONTAINS(read_spec(path("environment.yml")).error().message, "10000 included files");
    CHECK_CONTAINS(read("six==" + times(1 << 20, "1.") + "1"), "file:1: it takes more than 1.05 MB");
}
