#include "common/base/text.hpp"
#include "generator/conda/info.hpp"
#include "generator/conda/link.hpp"
#include "generator/conda/names.hpp"
#include "tests/unit/parcel/render.hpp"

#include <nlohmann/json.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <map>

using namespace tinderbox;
using namespace tinderbox::conda;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;
using tinderbox::test::render;

namespace {

json metadata(json index, json paths = json::array(), std::string noarch = "", json points = json::array()) {
    for (auto [name, value] : {std::pair<const char*, json>{"version", "1.0"},
                               {"build", "0"},
                               {"build_number", 0},
                               {"depends", json::array()},
                               {"subdir", "linux-64"}})
        if (!index.contains(name)) index[name] = value;
    return {{"kind", "conda"},
            {"name", index["name"]},
            {"version", index["version"]},
            {"build", index["build"]},
            {"conda",
             {{"index", index},
              {"paths", paths},
              {"noarch", noarch},
              {"entry_points", points},
              {"scripts", json::object()}}}};
}

std::vector<std::string> order(std::vector<LinkNode> nodes) {
    std::vector<std::string> out;
    for (std::size_t i : link_order(nodes)) out.push_back(nodes[i].name);
    return out;
}

LinkNode node(std::string name, std::vector<std::string> depends = {}, bool noarch_python = false) {
    return {name, name + "-1-0", std::move(depends), noarch_python};
}

format::PythonInfo python311() {
    format::PythonInfo python;
    python.version = "3.11.7";
    python.executable = "bin/python3.11";
    python.site_packages = "lib/python3.11/site-packages";
    return python;
}

std::vector<std::string> strings(std::initializer_list<const char*> list) { return {list.begin(), list.end()}; }

} // namespace

TEST_CASE("conda file names") {
    auto name = parse_file_name("ca-certificates-2024.2.2-h06a4308_0.conda");
    REQUIRE(name.ok());
    CHECK(name->name == "ca-certificates");
    CHECK(name->version == "2024.2.2");
    CHECK(name->build == "h06a4308_0");
    CHECK(name->extension == ".conda");
    CHECK(name->dist() == "ca-certificates-2024.2.2-h06a4308_0");
    CHECK(parse_file_name("x-1!2.0+local-0.tar.bz2").value().version == "1!2.0+local");
    for (const char* bad : {"x.conda", "x-1.conda", "-1-0.conda", "x--0.conda", "x-1-.conda", "x-1-0.whl", "",
                            "../x-1-0.conda", ".x-1-0.conda", "a b-1-0.conda"}) {
        INFO(bad);
        CHECK_FALSE(parse_file_name(bad).ok());
    }
    CHECK(is_package_file_name("x-1-0.tar.bz2"));
    CHECK_FALSE(is_package_file_name("x-1-0.tar.gz"));
}

TEST_CASE("platforms and channels") {
    CHECK(check_platform("x.conda", "noarch", "linux-64").ok());
    CHECK(check_platform("x.conda", "linux-64", "linux-64").ok());
    auto wrong = check_platform("x.conda", "osx-arm64", "linux-64");
    REQUIRE_FALSE(wrong.ok());
    CHECK_THAT(wrong.error().message,
               ContainsSubstring("x.conda: the package is for osx-arm64, the environment is for linux-64"));

    CHECK(channel_url("https://conda.anaconda.org/conda-forge/linux-64/x-1-0.conda#abc") ==
          "https://conda.anaconda.org/conda-forge/linux-64");
    CHECK(channel_url("file:///srv/my%20channel/a+b%C3%BC/linux-64/x-1-0.conda") ==
          "file:///srv/my channel/a+b\u00fc/linux-64");
    CHECK(spec_channel("https://repo.anaconda.com/pkgs/main/linux-64/x-1-0.conda") == "pkgs/main");
    CHECK(spec_channel("https://conda.anaconda.org/conda-forge/noarch/x-1-0.conda") == "conda-forge");
    CHECK(spec_channel("https://mirror.invalid/c/noarch/x-1-0.conda") == "https://mirror.invalid/c");
    auto dist = [](std::string_view url) { return dist_string(url, "", "linux-64", "x-1-0"); };
    CHECK(dist("https://conda.anaconda.org/conda-forge/linux-64/x-1-0.conda") == "conda-forge/linux-64::x-1-0");
    CHECK(dist("https://conda.anaconda.org/conda-forge/label/dev/linux-64/x-1-0.conda") ==
          "conda-forge/label/dev/linux-64::x-1-0");
    CHECK(dist("https://repo.anaconda.com/pkgs/main/linux-64/x-1-0.conda") == "defaults/linux-64::x-1-0");
    CHECK(dist("https://repo.anaconda.com/pkgs/free/linux-64/x-1-0.conda") == "pkgs/free/linux-64::x-1-0");
    CHECK(dist("file:///srv/channel/linux-64/x-1-0.conda") == "file:///srv/channel/linux-64::x-1-0");
    CHECK(dist("file:///srv/my%20channel/linux-64/x-1-0.conda") == "file:///srv/my channel/linux-64::x-1-0");
    CHECK(dist("file:///srv/x-1-0.conda") == "file:///srv/linux-64::x-1-0");
    CHECK(dist_string("", "https://mirror.invalid/c/", "noarch", "x-1-0") == "https://mirror.invalid/c/noarch::x-1-0");
}

TEST_CASE("match spec names") {
    CHECK(match_spec_name("python >=3.11,<3.12.0a0") == "python");
    CHECK(match_spec_name("python>=3") == "python");
    CHECK(match_spec_name("conda-forge::Zlib=1.2") == "zlib");
    CHECK(match_spec_name("conda-forge/linux-64::openssl") == "openssl");
    CHECK(match_spec_name("x[version='>1']") == "x");
    CHECK(match_spec_name("__glibc >=2.17") == "__glibc");
}

TEST_CASE("link order is conda's") {
    CHECK(order({}).empty());
    // Packages come in levels; within a level by name.
    CHECK(order({node("z", {"a"}), node("b"), node("a"), node("c", {"z", "b"})}) == strings({"a", "b", "z", "c"}));
    // A package without any relation comes first, whatever its name.
    CHECK(order({node("python", {"openssl"}), node("openssl"), node("zzz")}) == strings({"zzz", "openssl", "python"}));
    // python's dependency on pip is dropped.
    CHECK(order({node("pip", {"python"}), node("python", {"pip", "ssl"}), node("ssl")}) ==
          strings({"ssl", "python", "pip"}));
    // A cycle is cut at the package with the fewest parents, then the name.
    CHECK(order({node("b", {"a"}), node("a", {"b"}), node("c", {"a", "b"})}) == strings({"a", "b", "c"}));
    CHECK(order({node("a", {"b", "c"}), node("b", {"a"}), node("c", {"a"})}) == strings({"b", "a", "c"}));
    // Dependencies on itself, on missing and on virtual packages are ignored.
    CHECK(order({node("a", {"a", "missing", "__glibc"})}) == strings({"a"}));
    // A noarch python package without a dependency on python comes after python.
    CHECK(order({node("a", {}, true), node("python")}) == strings({"python", "a"}));
    // menuinst comes before all packages that depend on python.
    CHECK(order({node("a", {"python"}), node("menuinst", {"python"}), node("python")}) ==
          strings({"python", "menuinst", "a"}));
    CHECK(order({node("menuinst"), node("b")}) == strings({"b", "menuinst"}));
}

TEST_CASE("the order does not depend on the order of the packages") {
    std::vector<LinkNode> nodes = {node("a", {"b"}),      node("b", {"c"}), node("c", {"a"}),
                                   node("d", {"a", "e"}), node("e"),        node("f")};
    auto first = order(nodes);
    std::ranges::sort(nodes, {}, &LinkNode::name);
    do CHECK(order(nodes) == first);
    while (std::ranges::next_permutation(nodes, {}, &LinkNode::name).found);
}

TEST_CASE("python of an environment") {
    auto paths = [](std::initializer_list<const char*> list) {
        json out = json::array();
        for (const char* path : list) out.push_back({{"_path", path}, {"path_type", "hardlink"}});
        return out;
    };
    auto plain = python_info(metadata({{"name", "python"}, {"version", "3.11.7"}, {"build", "h_0_default"}},
                                      paths({"bin/python3.11", "lib/python3.11/os.py"})));
    REQUIRE(plain.ok());
    CHECK(plain->version == "3.11.7");
    CHECK(plain->executable == "bin/python3.11");
    CHECK(plain->site_packages == "lib/python3.11/site-packages");
    CHECK(plain->stdlib == "lib/python3.11");
    CHECK(plain->cache_tag == "cpython-311");
    CHECK(plain->gil);

    auto threaded = python_info(metadata({{"name", "python"},
                                          {"version", "3.13.0rc1"},
                                          {"build", "h_0_cp313t"},
                                          {"python_site_packages_path", "lib/python3.13t/site-packages"}},
                                         paths({"bin/python3.13", "lib/python3.13t/os.py"})));
    REQUIRE(threaded.ok());
    CHECK(threaded->site_packages == "lib/python3.13t/site-packages");
    CHECK(threaded->stdlib == "lib/python3.13t");
    CHECK(threaded->cache_tag == "cpython-313"); // sys.implementation's tag has no "t"
    CHECK_FALSE(threaded->gil);

    auto pypy = python_info(metadata({{"name", "python"}, {"version", "3.9.18"}, {"build", "0_73_pypy"}},
                                     paths({"bin/python3.9", "lib/pypy3.9/os.py"})));
    CHECK(pypy->implementation == "pypy");
    CHECK(pypy->stdlib == "lib/pypy3.9");
    CHECK(pypy->cache_tag == "pypy39");

    CHECK_FALSE(python_info(metadata({{"name", "python"}, {"version", "3.11.7"}})).ok());
    CHECK_FALSE(python_info(metadata({{"name", "python"}, {"version", "three"}}, paths({"bin/python3"}))).ok());
    CHECK_FALSE(python_info(metadata({{"name", "python"}, {"version", "3.11.7"}, {"python_site_packages_path", "../x"}},
                                     paths({"bin/python3.11"})))
                    .ok());
}

TEST_CASE("entry points become scripts") {
    json points = {{{"command", "demo"}, {"module", "demo.cli"}, {"function", "App.run"}}};
    auto meta = metadata({{"name", "demo"}}, json::array(), "python", points);
    auto scripts = entry_point_files(meta, python311());
    REQUIRE(scripts.size() == 1);
    CHECK(scripts[0].path == "bin/demo");
    CHECK(scripts[0].mode == 0775);
    CHECK(render(scripts[0].content, "/opt/env") ==
          "#!/opt/env/bin/python3.11\nimport sys\n\nfrom demo.cli import App\n\n"
          "if __name__ == '__main__':\n    sys.exit(App.run())\n");
    CHECK(entry_point_files(metadata({{"name", "demo"}}, json::array(), "", points), python311()).empty());
}

TEST_CASE("entry point definitions") {
    auto good = parse_entry_point(" a-b.c = pkg.mod : f.g ");
    REQUIRE(good.ok());
    CHECK(good->command == "a-b.c");
    CHECK(good->module == "pkg.mod");
    CHECK(good->function == "f.g");
    for (const char* bad : {"", "x", "x=y", "=m:f", "x=:f", "x=m:", "x=m:f()", ".x=m:f", "a/b=m:f", "x=m..n:f",
                            "x=1m:f", "x=m:f g", "x:y=m", "x=m\nimport os:f"}) {
        INFO(bad);
        CHECK_FALSE(parse_entry_point(bad).ok());
    }
}

TEST_CASE("a conda-meta record") {
    json paths = {{{"_path", "bin/tool"},
                   {"path_type", "hardlink"},
                   {"sha256", std::string(64, 'a')},
                   {"size_in_bytes", 10},
                   {"file_mode", "text"},
                   {"prefix_placeholder", "/old"}},
                  {{"_path", "site-packages/demo/__init__.py"}, {"path_type", "hardlink"}},
                  {{"_path", "lib/link"}, {"path_type", "softlink"}, {"sha256", std::string(64, 'b')}},
                  {{"_path", "var/empty"}, {"path_type", "directory"}},
                  {{"_path", "lost"}, {"path_type", "hardlink"}},
                  {{"_path", "share/\"quoted\" \\u0001"}, {"path_type", "hardlink"}}};
    json points = {{{"command", "demo"}, {"module", "demo"}, {"function", "main"}}};
    auto meta = metadata({{"name", "demo"},
                          {"license", "weird \x01\x02 \\u0001 text"},
                          {"timestamp", 1700000000000},
                          {"subdir", "noarch"}},
                         paths, "python", points);
    auto python = python311();
    RecordInput input;
    input.file_name = "demo-1.0-0.conda";
    input.url = "https://user:secret@conda.anaconda.org/t/TOKEN/conda-forge/noarch/demo-1.0-0.conda";
    input.sha256 = std::string(64, 'c');
    input.size = 1234;
    input.requested = true;
    input.requirement = "demo >=1";
    input.bytecode = {"lib/python3.11/site-packages/demo/__pycache__/__init__.cpython-311.pyc"};
    std::map<std::string, LinkedFile> image = {
        {"bin/tool", {std::string(64, 'a'), 10, true}},
        {"lib/python3.11/site-packages/demo/__init__.py", {std::string(64, 'd'), 5, false}},
        {"lib/link", {}},
        {"var/empty", {}},
        {"bin/demo", {std::string(64, 'e'), 50, true}},
        {"share/\"quoted\" \\u0001", {std::string(64, 'f'), 1, true}},
        {input.bytecode[0], {std::string(64, '1'), 99, false}}};
    auto lookup = [&](const std::string& path) -> std::optional<LinkedFile> {
        auto found = image.find(path);
        return found == image.end() ? std::nullopt : std::optional(found->second);
    };
    {
        // The target compiles this file anew, so its hash is unknown and the record has none.
        auto known = image;
        image["bin/tool"].recompiled = true;
        auto other = record_file(meta, &python, input, lookup);
        REQUIRE(other.ok());
        const json record =
            json::parse(render(other->content, "/p", [](const std::string&) { return std::string(64, '9'); }));
        for (const json& path : record["paths_data"]["paths"])
            CHECK(path.contains("sha256_in_prefix") ==
                  (path["path_type"] == "hardlink" && path["_path"] != "bin/tool"));
        image = known;
    }
    auto generated = record_file(meta, &python, input, lookup);
    REQUIRE(generated.ok());
    CHECK(generated->path == "conda-meta/demo-1.0-0.json");
    std::vector<std::string> digests;
    std::string text = render(generated->content, "/opt/my env", [&](const std::string& path) {
        digests.push_back(path);
        return std::string(64, '9');
    });
    CHECK(digests == strings({"bin/tool", "share/\"quoted\" \\u0001"}));
    CHECK_THAT(text, !ContainsSubstring("secret") && !ContainsSubstring("TOKEN"));
    json record = json::parse(text);
    CHECK(record["name"] == "demo");
    CHECK(record["license"] == "weird \x01\x02 \\u0001 text");
    CHECK(record["timestamp"] == 1700000000000);
    CHECK(record["noarch"] == "python");
    CHECK(record["package_type"] == "noarch_python");
    CHECK(record["fn"] == "demo-1.0-0.conda");
    CHECK(record["sha256"] == std::string(64, 'c'));
    CHECK_FALSE(record.contains("md5"));
    CHECK(record["size"] == 1234);
    CHECK(record["requested_spec"] == "demo >=1");
    CHECK(record["requested_specs"] == json::array({"demo >=1"}));
    CHECK(record["extracted_package_dir"] == "/opt/my env/pkgs/demo-1.0-0");
    CHECK(record["package_tarball_full_path"] == "/opt/my env/pkgs/demo-1.0-0.conda");
    CHECK(record["link"] == json({{"source", "/opt/my env/pkgs/demo-1.0-0"}, {"type", 3}}));
    CHECK(record["files"] ==
          json::array({"bin/demo", "bin/tool", "lib/link", "lib/python3.11/site-packages/demo/__init__.py",
                       input.bytecode[0], "share/\"quoted\" \\u0001"}));
    CHECK(record["paths_data"]["paths_version"] == 1);
    std::map<std::string, json> by_path;
    for (const json& path : record["paths_data"]["paths"]) by_path[path["_path"]] = path;
    CHECK(by_path.size() == 7);
    CHECK(by_path["bin/tool"] == json({{"_path", "bin/tool"},
                                       {"path_type", "hardlink"},
                                       {"sha256", std::string(64, 'a')},
                                       {"sha256_in_prefix", std::string(64, '9')},
                                       {"size_in_bytes", 10},
                                       {"file_mode", "text"},
                                       {"prefix_placeholder", "/old"}}));
    CHECK(by_path["lib/python3.11/site-packages/demo/__init__.py"]["sha256"] == std::string(64, 'd'));
    CHECK(by_path["lib/python3.11/site-packages/demo/__init__.py"]["sha256_in_prefix"] == std::string(64, 'd'));
    CHECK_FALSE(by_path["lib/link"].contains("sha256_in_prefix"));
    CHECK(by_path["bin/demo"] == json({{"_path", "bin/demo"}, {"path_type", "unix_python_entry_point"}}));
    CHECK(by_path[input.bytecode[0]] ==
          json({{"_path", input.bytecode[0]}, {"path_type", "pyc_file"}, {"size_in_bytes", 99}}));
    CHECK(by_path["var/empty"]["path_type"] == "directory");

    CHECK_FALSE(record_file(meta, nullptr, input, lookup).ok()); // a noarch python package without a python
}

TEST_CASE("requested specs") {
    auto meta = metadata({{"name", "demo"}});
    CHECK(requested_spec(meta, "demo ==1.0") == "demo ==1.0");
    CHECK(requested_spec(meta, "conda-forge::demo=1.0=0") == "conda-forge::demo=1.0=0");
    CHECK(requested_spec(meta, "https://x.invalid/linux-64/demo-1.0-0.conda#abc") == "demo==1.0=0");
    CHECK(requested_spec(meta, "./demo-1.0-0.conda") == "demo==1.0=0");
    CHECK(requested_spec(meta, "") == "demo==1.0=0");
}

TEST_CASE("history") {
    History history;
    history.date = 315532800;
    history.dists = {"conda-forge/linux-64::b-1-0", "conda-forge/linux-64::a-1-0"};
    history.update_specs = {"a ==1", "b[version='>1']"};
    history.conda_version = "24.5.0";
    auto file = history_file(history);
    CHECK(file.path == "conda-meta/history");
    CHECK(render(file.content, "/x") == "==> 1980-01-01 00:00:00 <==\n# cmd: tinderbox build\n# conda version: 24.5.0\n"
                                        "+conda-forge/linux-64::a-1-0\n+conda-forge/linux-64::b-1-0\n"
                                        "# update specs: ['a ==1', \"b[version='>1']\"]\n");
    CHECK_THAT(render(history_file({}).content, "/x"),
               !ContainsSubstring("conda version") && !ContainsSubstring("specs"));
}

TEST_CASE("clobbers") {
    std::vector<std::vector<std::string>> paths = {{"a", "b"}, {"b", "c"}, {"b", "d", "d"}};
    auto clobbers = find_clobbers(paths);
    REQUIRE(clobbers.size() == 1);
    CHECK(clobbers[0].path == "b");
    CHECK(clobbers[0].owners == std::vector<std::size_t>{0, 1, 2});
}

TEST_CASE("scripts for the manifest") {
    auto meta = metadata({{"name", "demo"}, {"build_number", 7}});
    CHECK(link_scripts(meta).empty());
    meta["conda"]["scripts"]["pre-unlink"] = "bin/.demo-pre-unlink.sh";
    meta["conda"]["scripts"]["post-link"] = "bin/.demo-post-link.sh";
    auto scripts = link_scripts(meta);
    REQUIRE(scripts.size() == 2);
    CHECK(scripts[0].package == "demo");
    CHECK(scripts[0].build_number == "7");
    CHECK(scripts[0].path == "bin/.demo-post-link.sh");
    CHECK(scripts[0].action == "post-link");
    CHECK(scripts[1].path == "bin/.demo-pre-unlink.sh");
    CHECK(scripts[1].action == "pre-unlink");
}
