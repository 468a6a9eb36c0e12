#include "common/format/entry.hpp"
#include "common/format/manifest.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

using namespace tinderbox;
using namespace tinderbox::format;

namespace {

Destination symlink_at(std::string path, std::string target) {
    return {.kind = EntryKind::symlink, .mode = 0777, .path = std::move(path), .link = std::move(target)};
}

bool leaves(std::vector<Destination> links) {
    Table table;
    table.destinations = std::move(links);
    auto found = leaving_link(table);
    return found.ok() && found->has_value();
}

} // namespace

TEST_CASE("the installer's own directory belongs to nobody else", "[entry]") {
    for (std::string_view bad : {".tinderbox", ".tinderbox/state", ".TinderBox/x", "envs/a/.tinderbox/state"})
        for (Root root : {Root::env, Root::base, Root::data, further_environment(3)})
            CHECK_FALSE(check_path(root, bad).ok());
    CHECK(check_path(Root::site_packages, ".tinderbox/x").ok());
    CHECK(check_path(Root::env, ".tinderbox-not").ok());
    CHECK(check_path(Root::env, "lib/.tinderbox").ok());
    CHECK_FALSE(check_path(Root::env, "a//b").ok());
    CHECK_FALSE(check_path(Root::env, "./a").ok());
}

TEST_CASE("entries with links out of the prefix and open modes are refused", "[entry]") {
    CHECK(check_entry(symlink_at("bin/a", "\x01/bin/b")).ok());
    CHECK(check_entry(symlink_at("bin/a", "\x01")).ok());
    for (std::string_view bad : {"\x01/../..", "\x01/a/../../b",
                                 "\x01"
                                 "evil",
                                 "\x01//../x", "\x01/\x01/..", "\x01/a\nb", "../../x", "/etc/passwd", "a\nb", ""})
        CHECK_FALSE(check_entry(symlink_at("bin/a", std::string(bad))).ok());
    CHECK(check_entry({.mode = 0775, .path = "a"}).ok());
    CHECK_FALSE(check_entry({.mode = 0757, .path = "a"}).ok());
    CHECK_FALSE(check_entry({.mode = 04755, .path = "a"}).ok());
    CHECK_FALSE(check_entry({.kind = EntryKind::directory, .mode = 0777, .path = "a"}).ok());
}

TEST_CASE("modes of artifacts", "[entry]") {
    CHECK(installed_mode(EntryKind::file, 0664) == 0664);
    CHECK(installed_mode(EntryKind::file, 0666) == 0644);
    CHECK(installed_mode(EntryKind::file, 06777) == 0755);
    CHECK(installed_mode(EntryKind::directory, 01777) == 0755);
    CHECK(installed_mode(EntryKind::file, 0602) == 0600);
    CHECK(installed_mode(EntryKind::symlink, 0777) == 0777);
}

TEST_CASE("links lead out through each other", "[entry]") {
    CHECK_FALSE(leaves(
        {symlink_at("lib64", "lib"), symlink_at("lib/x", "../lib64/y"), symlink_at("bin/z", "../lib64/../share")}));
    CHECK(leaves({symlink_at("a/up", ".."), symlink_at("b/c", "../a/up/..")}));
    CHECK(leaves({symlink_at("a/up", "\x01"), symlink_at("b/c", "../a/up/../etc")}));
    CHECK(leaves({symlink_at("d/one", ".."), symlink_at("d/two", "one/d/one/.."), symlink_at("e", "d/two")}));
    CHECK_FALSE(leaves({symlink_at("a", "b"), symlink_at("b", "a"), symlink_at("c", "a/..")})); // a circle
    CHECK_FALSE(leaves({symlink_at("a/up", ".."), {.kind = EntryKind::symlink, .path = "b/c", .link = "up/.."}}));
    Destination other = symlink_at("b/c", "../a/up/..");
    other.root = Root::base; // another prefix has other links
    CHECK_FALSE(leaves({symlink_at("a/up", ".."), other}));
    Table table;
    table.destinations = {symlink_at("a/up", ".."), symlink_at("b/c", "../a/up/..")};
    CHECK_FALSE(decode_table(encode(table)).ok());
    table.destinations.pop_back();
    CHECK(decode_table(encode(table)).ok());
}

TEST_CASE("a manifest's names are held to the same rules", "[manifest]") {
    Manifest good;
    good.name = good.env_name = "lab";
    good.platform = "linux-64";
    good.variables = {{"A", "b"}};
    good.python =
        PythonInfo{.version = "3.11", .executable = "bin/python3.11", .site_packages = "lib/s", .stdlib = "lib"};
    good.scripts = {{.package = "p", .path = "bin/.p-post-link.sh"}};
    good.base_installer = BaseInfo{};
    good.base_installer->environments = {{"py", {}}};
    auto read = [](const Manifest& manifest) { return manifest_from_json(to_json(manifest)); };
    REQUIRE(read(good).ok());
    auto refused = [&](auto change) {
        Manifest bad = good;
        change(bad);
        auto result = read(bad);
        return !result.ok() && result.error().kind == ErrorKind::damaged;
    };
    CHECK(refused([](Manifest& m) { m.name = ".."; }));
    CHECK(refused([](Manifest& m) { m.name = "a/b"; }));
    CHECK(refused([](Manifest& m) { m.env_name = "../x"; }));
    CHECK(refused([](Manifest& m) { m.env_name = ""; }));
    CHECK(refused([](Manifest& m) { m.env_name = "a$(id)"; }));
    CHECK(refused([](Manifest& m) { m.variables = {{"A;touch x;B", "1"}}; }));
    CHECK(refused([](Manifest& m) { m.variables = {{"A", "1\nid"}}; }));
    CHECK(refused([](Manifest& m) { m.python->executable = "../../bin/sh"; }));
    CHECK(refused([](Manifest& m) { m.python->executable = "/bin/sh"; }));
    CHECK(refused([](Manifest& m) { m.python->site_packages = "lib/../.."; }));
    CHECK(refused([](Manifest& m) { m.python->cache_tag = "../../x"; }));
    CHECK(refused([](Manifest& m) { m.scripts[0].path = "../x.sh"; }));
    CHECK(refused([](Manifest& m) { m.base_installer->environments[0].name = "a/b"; }));
    CHECK(refused([](Manifest& m) { m.base_installer->variables = {{"1", ""}}; }));
    CHECK(refused([](Manifest& m) {
        m.installer = InstallerInfo{};
        m.installer->variables = {{"A B", ""}};
    }));
}
