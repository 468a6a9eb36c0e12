#include "archives.hpp"

#include "common/base/text.hpp"
#include "generator/archive/file_source.hpp"
#include "generator/conda/package.hpp"

#include <nlohmann/json.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <thread>

using namespace tinderbox;
using namespace tinderbox::conda;
using namespace tinderbox::test;
using Catch::Matchers::ContainsSubstring;
using nlohmann::json;

namespace {

struct PackageFixture {
    TemporaryDirectory directory = TemporaryDirectory::make().value();
    OpenOptions options;
    PackageFixture() { options.spool_directory = directory.path() / "spool"; }

    Result<std::unique_ptr<parcel::Artifact>> open(const test::PackageMaker& maker) {
        return open_package(maker.write(directory.path()), options);
    }
    std::unique_ptr<parcel::Artifact> good(const test::PackageMaker& maker) {
        auto artifact = open(maker);
        if (!artifact.ok()) FAIL(artifact.error().message);
        return std::move(artifact).value();
    }
    std::string bad(const test::PackageMaker& maker) {
        auto artifact = open(maker);
        REQUIRE_FALSE(artifact.ok());
        CHECK(artifact.error().kind == ErrorKind::usage);
        CHECK_THAT(artifact.error().message, Catch::Matchers::StartsWith(maker.file_name));
        return artifact.error().message;
    }
};

std::string content(const parcel::Artifact& artifact, std::size_t entry) {
    auto source = artifact.open(entry);
    REQUIRE(source.ok());
    auto bytes = archive::read_all(**source, 1u << 30, "test");
    REQUIRE(bytes.ok());
    return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

std::size_t find(const parcel::Artifact& artifact, std::string_view path) {
    for (std::size_t i = 0; i < artifact.entries().size(); ++i)
        if (artifact.entries()[i].path == path) return i;
    FAIL("no entry " << path);
    return 0;
}

std::string warnings(const parcel::Artifact& artifact) { return artifact.metadata()["warnings"].dump(); }

test::PackageMaker mixed() {
    test::PackageMaker m;
    m.files = {{"bin/tool", "#!/old/prefix/bin/python\n", '0', "", 0775, 1'500'000'000},
               {"lib/libx.so.1", "library"},
               {"lib/libx.so", "", '2', "libx.so.1", 0777},
               {"lib/hard.so", "", '1', "lib/libx.so.1"},
               {"share/Name", "upper"},
               {"share/name", "lower"},
               {"empty/dir", "", '5', "", 0700},
               {"etc/empty", ""}};
    m.paths =
        R"({"_path": "bin/tool", "path_type": "hardlink", "file_mode": "text", "prefix_placeholder": "/old/prefix",
                  "sha256": "0000000000000000000000000000000000000000000000000000000000000001", "size_in_bytes": 25},
                 {"_path": "lib/libx.so.1", "path_type": "hardlink", "no_link": true},
                 {"_path": "lib/libx.so", "path_type": "softlink"}, {"_path": "lib/hard.so", "path_type": "hardlink"},
                 {"_path": "share/Name", "path_type": "hardlink"}, {"_path": "share/name", "path_type": "hardlink"},
                 {"_path": "empty/dir", "path_type": "directory"}, {"_path": "etc/empty", "path_type": "hardlink"})";
    m.info = {{"info/licenses/LICENSE", "do as you like"},
              {"info/licenses/third/COPYING", "caf\xe9"},
              {"info/about.json", R"({"home": "https://example.invalid", "extra": {"x": 1}})"},
              {"info/recipe/huge", std::string(100'000, 'x')}};
    return m;
}

} // namespace

TEST_CASE("a .conda and a .tar.bz2 become the same entries") {
    PackageFixture f;
    auto file_name = GENERATE_REF(as<std::string>(), "demo-1.0-0.conda", "demo-1.0-0.tar.bz2");
    f.options.memory_limit = GENERATE(64u << 20, 3u); // kept in memory, and spooled to a file
    auto maker = mixed();
    maker.file_name = file_name;
    auto artifact = f.good(maker);
    CHECK(artifact->display_name() == file_name);
    REQUIRE(artifact->entries().size() == 8);

    const parcel::Entry& tool = artifact->entries()[find(*artifact, "bin/tool")];
    CHECK(tool.mode == 0775);
    CHECK(tool.mtime == 1'500'000'000);
    CHECK(tool.size == 25);
    CHECK(tool.prefix_mode == parcel::PrefixMode::text);
    CHECK(tool.placeholder == "/old/prefix");
    CHECK(tool.sha256.ends_with("01"));
    CHECK(tool.root == format::Root::env);
    CHECK(content(*artifact, find(*artifact, "bin/tool")) == "#!/old/prefix/bin/python\n");
    CHECK(content(*artifact, find(*artifact, "lib/hard.so")) == "library");
    CHECK(content(*artifact, find(*artifact, "share/Name")) == "upper");
    CHECK(content(*artifact, find(*artifact, "share/name")) == "lower");
    CHECK(content(*artifact, find(*artifact, "etc/empty")).empty());
    const parcel::Entry& link = artifact->entries()[find(*artifact, "lib/libx.so")];
    CHECK(link.kind == format::EntryKind::symlink);
    CHECK(link.link == "libx.so.1");
    const parcel::Entry& directory = artifact->entries()[find(*artifact, "empty/dir")];
    CHECK(directory.kind == format::EntryKind::directory);
    CHECK(directory.mode == 0700);

    const json& meta = artifact->metadata();
    CHECK(meta["kind"] == "conda");
    CHECK(meta["name"] == "demo");
    CHECK(meta["license"] == "MIT");
    CHECK(meta["depends"] == json::array({"python >=3"}));
    REQUIRE(meta["licenses"].size() == 2);
    CHECK(meta["licenses"][0] == json({{"name", "LICENSE"}, {"text", "do as you like"}}));
    CHECK(meta["licenses"][1]["text"] == "café"); // the file is Latin-1
    CHECK(meta["about"]["home"] == "https://example.invalid");
    CHECK_FALSE(meta["about"].contains("extra"));
    CHECK(meta["conda"]["paths"].size() == artifact->entries().size());
    CHECK(meta["conda"]["paths"][1]["no_link"] == true);
    CHECK(meta["warnings"].empty());
    CHECK(meta.dump().size() > 100); // dump() throws on invalid UTF-8
}

TEST_CASE("entries may be opened from several threads") {
    PackageFixture f;
    f.options.memory_limit = GENERATE(64u << 20, 10u);
    test::PackageMaker m;
    for (int i = 0; i < 20; ++i)
        m.files.push_back({fmt::format("f{}", i), std::string(10'000 + static_cast<unsigned>(i), 'a')});
    auto artifact = f.good(m);
    std::atomic<int> right = 0;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (std::size_t i = 0; i < 20; ++i) {
                auto bytes = archive::read_all(**artifact->open(i), 1u << 20, "x");
                if (bytes.ok() && bytes->size() == 10'000 + i) ++right;
            }
        });
    threads.clear();
    CHECK(right == 80);
    // the spool file is unlinked at once
    CHECK((!fs::exists(f.options.spool_directory) || fs::is_empty(f.options.spool_directory)));
}

TEST_CASE("a noarch python package goes to symbolic places") {
    PackageFixture f;
    test::PackageMaker m;
    m.index =
        R"({"name": "demo", "version": "1.0", "build": "0", "build_number": 0, "noarch": "python", "subdir": "noarch"})";
    m.info = {{"info/link.json", R"({"package_metadata_version": 1, "noarch": {"type": "python",
                "entry_points": ["demo = demo.cli:main", "x=demo:A.b"]}})"}};
    m.files = {{"site-packages/demo/__init__.py", "1"},
               {"python-scripts/run", "2"},
               {"share/data", "3"},
               {"site-packages-not/x", "4"},
               {"python-scripts/.demo-post-link.sh", "5"}};
    auto artifact = f.good(m);
    CHECK(artifact->entries()[0].root == format::Root::site_packages);
    CHECK(artifact->entries()[0].path == "demo/__init__.py");
    CHECK(artifact->entries()[1].root == format::Root::scripts);
    CHECK(artifact->entries()[1].path == "run");
    CHECK(artifact->entries()[2].root == format::Root::env);
    CHECK(artifact->entries()[3].path == "site-packages-not/x");
    const json& conda = artifact->metadata()["conda"];
    CHECK(conda["noarch"] == "python");
    CHECK(conda["entry_points"][0] == json({{"command", "demo"}, {"module", "demo.cli"}, {"function", "main"}}));
    CHECK(conda["entry_points"][1]["function"] == "A.b");
    CHECK(conda["scripts"]["post-link"] == "bin/.demo-post-link.sh");
}

TEST_CASE("what is not listed is left out, with a word") {
    PackageFixture f;
    auto m = mixed();
    m.files.push_back({"bin/extra", "x"});
    auto artifact = f.good(m);
    CHECK(artifact->entries().size() == 8);
    CHECK_THAT(warnings(*artifact),
               ContainsSubstring("bin/extra: it is not listed in info/paths.json and is not installed"));
}

TEST_CASE("legacy packages: files, has_prefix, no_link") {
    PackageFixture f;
    test::PackageMaker m;
    m.file_name = "demo-1.0-0.tar.bz2";
    m.paths_version = "none";
    std::string placeholder = "/a/long/placeholder";
    m.info = {
        {"info/files", "bin/a\r\nlib/b c\nlib/d\nlib/link\n"},
        {"info/has_prefix", "bin/a\n\"" + placeholder + "\" text \"lib/b c\"\n" + placeholder + " Binary lib/d\n"},
        {"info/no_link", "lib/d\n"},
        {"info/LICENSE.txt", "old"}};
    m.files = {{"bin/a", "1"}, {"lib/b c", "2"}, {"lib/d", "3"}, {"lib/link", "", '2', "d"}, {"unlisted", "4"}};
    auto artifact = f.good(m);
    REQUIRE(artifact->entries().size() == 4);
    CHECK(artifact->entries()[0].placeholder == "/opt/"
                                                "anaconda1"
                                                "anaconda2"
                                                "anaconda3");
    CHECK(artifact->entries()[0].prefix_mode == parcel::PrefixMode::text);
    CHECK(artifact->entries()[1].placeholder == placeholder);
    CHECK(artifact->entries()[2].prefix_mode == parcel::PrefixMode::binary);
    CHECK(artifact->entries()[3].kind == format::EntryKind::symlink);
    const json& paths = artifact->metadata()["conda"]["paths"];
    CHECK(paths[2]["no_link"] == true);
    CHECK(paths[3]["path_type"] == "softlink");
    CHECK(artifact->metadata()["licenses"][0]["name"] == "LICENSE.txt");
    CHECK_THAT(warnings(*artifact), ContainsSubstring("unlisted: it is not listed in info/files"));
}

TEST_CASE("scripts are noticed") {
    PackageFixture f;
    test::PackageMaker m;
    m.files = {{"bin/.demo-post-link.sh", "#!/bin/sh\n"},
               {"bin/.demo-pre-unlink.sh", "x"},
               {"bin/.demo-pre-link.sh", "x"},
               {"bin/.other-post-link.sh", "x"}};
    auto artifact = f.good(m);
    CHECK(artifact->metadata()["conda"]["scripts"] ==
          json({{"post-link", "bin/.demo-post-link.sh"}, {"pre-unlink", "bin/.demo-pre-unlink.sh"}}));
    CHECK_THAT(warnings(*artifact), ContainsSubstring("its pre-link script is not run"));
    m.files[2].data = "$PREFIX/bin/python $SOURCE_DIR/link.py\n";
    CHECK_THAT(f.bad(m), ContainsSubstring("first noarch format"));
}

TEST_CASE("the file's name and index.json may differ, but it is said") {
    PackageFixture f;
    auto m = mixed();
    m.file_name = "other-1.0-0.conda";
    CHECK_THAT(warnings(*f.good(m)),
               ContainsSubstring("its file name says other-1.0-0, its info/index.json says demo-1.0-0"));
}

TEST_CASE("bad packages are refused with artifact and member") {
    PackageFixture f;
    auto m = mixed();
    SECTION("unknown paths_version") {
        m.paths_version = GENERATE(as<std::string>(), "2", "\"1\"", "null", "1.0", "[]");
        CHECK_THAT(f.bad(m), ContainsSubstring("demo-1.0-0.conda:info/paths.json: paths_version is"));
    }
    SECTION("missing file") {
        m.files.erase(m.files.begin());
        CHECK_THAT(
            f.bad(m),
            ContainsSubstring("demo-1.0-0.conda:bin/tool: info/paths.json lists it, but the archive does not hold it"));
    }
    SECTION("paths that leave the prefix") {
        m.paths = GENERATE(
            as<std::string>(), R"({"_path": "../x", "path_type": "hardlink"})",
            R"({"_path": "/x", "path_type": "hardlink"})", R"({"_path": "a/../../x", "path_type": "hardlink"})",
            R"({"_path": "", "path_type": "hardlink"})", R"({"_path": "a\u0000b", "path_type": "hardlink"})",
            R"({"_path": "a\nb", "path_type": "hardlink"})");
        CHECK_THAT(f.bad(m), ContainsSubstring("info/paths.json: '"));
    }
    SECTION("wrong fields") {
        m.paths = GENERATE(
            as<std::string>(), R"({"_path": 3, "path_type": "hardlink"})", R"({"_path": "x", "path_type": "weird"})",
            R"({"_path": "x"})", R"({"path_type": "hardlink"})", R"("x")", R"({"_path": "x", "path_type": 7})",
            R"({"_path": "x", "path_type": "hardlink", "sha256": "zz"})",
            R"({"_path": "x", "path_type": "hardlink", "size_in_bytes": -1})",
            R"({"_path": "x", "path_type": "hardlink", "prefix_placeholder": "/x"})",
            R"({"_path": "x", "path_type": "hardlink", "prefix_placeholder": "/x\u0001", "file_mode": "text"})",
            R"({"_path": "x", "path_type": "hardlink", "prefix_placeholder": "/x", "file_mode": "utf-16"})");
        f.bad(m);
    }
    SECTION("listed twice in different ways") {
        m.paths =
            R"({"_path": "etc/empty", "path_type": "hardlink"}, {"_path": "./etc//empty", "path_type": "hardlink", "size_in_bytes": 3})";
        CHECK_THAT(f.bad(m), ContainsSubstring("is listed twice"));
    }
    SECTION("directory instead of a file") {
        m.paths = R"({"_path": "empty/dir", "path_type": "hardlink"})";
        CHECK_THAT(f.bad(m), ContainsSubstring("calls it a hardlink, in the archive it is a directory"));
    }
    SECTION("hostile members") {
        m.paths.clear();
        m.files = {GENERATE(test::TarFile{"../evil", "x"}, test::TarFile{"/evil", "x"},
                            test::TarFile{"link", "", '2', "../outside"}, test::TarFile{"link", "", '2', "/etc/passwd"},
                            test::TarFile{"hard", "", '1', "nowhere"}, test::TarFile{"hard", "", '1', "../../x"},
                            test::TarFile{"device", "", '3'})};
        f.bad(m);
    }
    SECTION("a member twice") {
        m.files.push_back({"etc/empty", "not empty"});
        f.bad(m);
    }
    SECTION("an info file twice") {
        m.files.push_back({"info/index.json", "{}"});
        CHECK_THAT(f.bad(m), ContainsSubstring("info/index.json"));
    }
    SECTION("index.json") {
        m.index = GENERATE(as<std::string>(), "", "[]", "{", R"({"name": "demo", "version": "1.0"})",
                           R"({"name": "../demo", "version": "1.0", "build": "0"})",
                           R"({"name": "a/b", "version": "1", "build": "0"})",
                           R"({"name": "demo", "version": "1.0", "build": "0", "depends": "python"})",
                           R"({"name": "demo", "version": "1.0", "build": "0", "depends": [1]})",
                           R"({"name": "demo", "version": "1.0", "build": "0", "noarch": "ruby"})",
                           R"({"name": "demo", "version": "1.0", "build": "0", "subdir": "../x"})",
                           R"({"name": "demo", "version": "1.0", "build": "0", "build_number": "x"})");
        CHECK_THAT(f.bad(m), ContainsSubstring("info/index.json"));
    }
    SECTION("link.json") {
        m.info.push_back(
            {"info/link.json",
             GENERATE(
                 as<std::string>(), "{}", R"({"package_metadata_version": 2})",
                 R"({"package_metadata_version": 1, "noarch": {"type": "python", "entry_points": ["x"]}})",
                 R"({"package_metadata_version": 1, "noarch": {"type": "python", "entry_points": ["../x = a:b"]}})",
                 R"({"package_metadata_version": 1, "noarch": {"type": "python", "entry_points": ["x = a:b; evil"]}})",
                 R"({"package_metadata_version": 1, "noarch": {"type": "python", "entry_points": ["x = os.system('x'):b"]}})")});
        CHECK_THAT(f.bad(m), ContainsSubstring("info/link.json"));
    }
    SECTION("metadata.json") {
        m.metadata = GENERATE(as<std::string>(), "{}", "{", R"({"conda_pkg_format_version": 3})", "[]");
        CHECK_THAT(f.bad(m), ContainsSubstring("metadata.json"));
    }
    SECTION("has_prefix") {
        m.paths_version = "none";
        m.info.push_back({"info/files", "etc/empty\n"});
        m.info.push_back({"info/has_prefix", GENERATE(as<std::string>(), "a b\n", "/p weird etc/empty\n",
                                                      "\"unclosed text x\n", "not/listed\n")});
        CHECK_THAT(f.bad(m), ContainsSubstring("info/has_prefix"));
    }
    SECTION("no list at all") {
        m.paths_version = "none";
        CHECK_THAT(f.bad(m), ContainsSubstring("neither info/paths.json nor info/files"));
    }
}

TEST_CASE("every truncation of a package is an error, never a crash") {
    PackageFixture f;
    auto m = mixed();
    m.file_name = GENERATE(as<std::string>(), "demo-1.0-0.conda", "demo-1.0-0.tar.bz2");
    auto path = m.write(f.directory.path());
    auto whole = read_bytes(path).value();
    for (std::size_t size = 0; size < whole.size(); size += 37) {
        REQUIRE(write_atomically(path, ByteView(whole).first(size)).ok());
        auto artifact = open_package(path, f.options);
        INFO(m.file_name << " cut to " << size << " of " << whole.size());
        REQUIRE_FALSE(artifact.ok());
        CHECK(artifact.error().message.find(m.file_name) != std::string::npos);
    }
}

TEST_CASE("not a conda package") {
    PackageFixture f;
    auto path = f.directory.path() / "demo-1.0-0.zip";
    REQUIRE(write_atomically(path, std::string_view("x")).ok());
    CHECK_FALSE(open_package(path, f.options).ok());
    path = f.directory.path() / "missing-1-0.conda";
    auto missing = open_package(path, f.options);
    REQUIRE_FALSE(missing.ok());
    CHECK(missing.error().kind == ErrorKind::storage);
}

TEST_CASE("an empty metadata.json, as some real packages have") {
    PackageFixture f;
    auto maker = mixed();
    maker.metadata = "";
    CHECK(f.good(maker)->entries().size() == 8);
}

TEST_CASE("the imports that a package's own tests declare") {
    PackageFixture f;
    auto maker = mixed();
    maker.info.push_back(
        {"info/test/run_test.py",
         "#  tests\nimport unittest\nprint(\"import: 'demo'\")\nimport demo\n\nprint(\"import: 'demo._core'\")\n"
         "import demo._core\nprint(\"import: 'os; import sys'\")\nprint(\"import: '../x'\")\n"});
    maker.info.push_back(
        {"info/tests/tests.yaml",
         "- python:\n    imports:\n      - demo\n      - demo.sub\n      - 'a b'\n- script: [false]\n- 7\n"});
    maker.info.push_back({"info/tests/0/python_test.json", R"({"imports": ["demo.old", 3, "1x"], "pip_check": true})"});
    CHECK(f.good(maker)->metadata()["imports"] == json::array({"demo", "demo._core", "demo.old", "demo.sub"}));
    maker.info = {{"info/tests/tests.yaml", "- [: broken"}, {"info/tests/0/python_test.json", "{"}};
    CHECK(f.good(maker)->metadata()["imports"] == json::array());
}
