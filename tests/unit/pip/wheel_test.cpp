#include "common/base/base64url.hpp"
#include "common/base/hex.hpp"
#include "generator/archive/file_source.hpp"
#include "generator/fetch/hashes.hpp"
#include "generator/pip/wheel.hpp"
#include "tests/unit/archive/zip_builder.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <map>

using namespace tinderbox;
using namespace tinderbox::pip;
using namespace tinderbox::test;

namespace {

// A small valid wheel; tests replace, add or remove its files.
struct Builder {
    std::string file_name = "Demo_Pkg-1.0-py3-none-any.whl";
    std::map<std::string, test::ZipItem> items;
    bool write_record = true;
    std::string extra_rows;

    Builder() {
        set("demo_pkg/__init__.py", "x = 1\n");
        set("demo_pkg/run.sh", "#!/bin/sh\n", 0100755);
        info("WHEEL", "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n");
        info("METADATA", "Metadata-Version: 2.1\nName: demo.pkg\nVersion: 1.0.0\nSummary: caf\xe9\nLicense: MIT\n"
                         "Requires-Dist: six>=1; python_version<'4'\nRequires-Python: >=3.8\n\nText\nName: other\n");
        info("LICENSE", "the licence \xe9\n");
        info("entry_points.txt", "# comment\n[console_scripts]\nDemo = demo_pkg:main\ncli=demo_pkg.x:a.b [extra]\n"
                                 "[gui_scripts]\ngui = demo_pkg:g\n[other.group]\nnonsense\n");
    }
    void set(const std::string& path, const std::string& content, std::uint32_t mode = 0100644) {
        items[path] = {path, content, mode, true};
    }
    void info(const std::string& name, const std::string& content) { set("demo_pkg-1.0.dist-info/" + name, content); }
    std::string record() const {
        std::string out;
        for (const auto& [path, item] : items)
            if (!path.ends_with('/'))
                out += path + ",sha256=" + to_base64url(sha256(as_bytes(item.content))) + "," +
                       std::to_string(item.content.size()) + "\n";
        return out + "demo_pkg-1.0.dist-info/RECORD,,\n" + extra_rows;
    }
    Result<std::unique_ptr<parcel::Artifact>> open(const pip::WheelOptions& options = {}) {
        if (write_record && !items.contains("demo_pkg-1.0.dist-info/RECORD")) info("RECORD", record());
        std::vector<test::ZipItem> list;
        for (const auto& [path, item] : items) list.push_back(item);
        return open(test::build_zip(list), options);
    }
    Result<std::unique_ptr<parcel::Artifact>> open(const Bytes& bytes, const pip::WheelOptions& options = {}) {
        REQUIRE(write_atomically(directory.path() / file_name, bytes).ok());
        return pip::open_wheel(directory.path() / file_name, options);
    }
    std::string error(const pip::WheelOptions& options = {}) {
        auto wheel = open(options);
        if (wheel.ok()) return "";
        CHECK(wheel.error().kind == ErrorKind::usage);
        CHECK(wheel.error().message.starts_with(file_name + ":"));
        return wheel.error().message;
    }
    TemporaryDirectory directory = TemporaryDirectory::make().value();
};

bool has(const std::string& text, std::string_view part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

const parcel::Entry* find(const parcel::Artifact& wheel, format::Root root, std::string_view path) {
    for (const parcel::Entry& entry : wheel.entries())
        if (entry.root == root && entry.path == path) return &entry;
    return nullptr;
}

} // namespace

TEST_CASE("wheel: metadata and entries") {
    Builder b;
    b.set("demo_pkg-1.0.data/scripts/tool", "#!python -E\nprint()\n");
    b.set("demo_pkg-1.0.data/scripts/win", "#!pythonw\r\nprint()\n");
    b.set("demo_pkg-1.0.data/scripts/shell", "#!/bin/sh\n");
    b.set("demo_pkg-1.0.data/scripts/cli", "made by the entry point\n");
    b.set("demo_pkg-1.0.data/data/share/x", "1");
    b.set("demo_pkg-1.0.data/headers/x.h", "2");
    b.set("demo_pkg-1.0.data/platlib/demo_plat/a.so", "3");
    b.set("demo_pkg/link", "target", 0120777);
    b.set("demo_pkg/suid", "s", 0104755);
    b.items["empty/"] = {"empty/", "", 040755};
    auto opened = b.open();
    if (!opened.ok()) FAIL(opened.error().message);
    const parcel::Artifact& wheel = **opened;
    const auto& meta = wheel.metadata();
    CHECK(wheel.display_name() == b.file_name);
    CHECK(meta["kind"] == "wheel");
    CHECK(meta["name"] == "demo.pkg");
    CHECK(meta["version"] == "1.0.0");
    CHECK(meta["license"] == "MIT");
    CHECK(meta["summary"] == "caf\xc3\xa9");
    CHECK(meta["requires_python"] == ">=3.8");
    CHECK(meta["requires_dist"] == nlohmann::json({"six>=1; python_version<'4'"}));
    CHECK(meta["dist_info"] == "demo_pkg-1.0.dist-info");
    CHECK(meta["purelib"] == true);
    CHECK(meta["tags"] == nlohmann::json({"py3-none-any"}));
    CHECK(
        meta["entry_points"] ==
        nlohmann::json::parse(
            R"({"console_scripts": {"Demo": "demo_pkg:main", "cli": "demo_pkg.x:a.b [extra]"}, "gui_scripts": {"gui": "demo_pkg:g"}})"));
    REQUIRE(meta["licenses"].size() == 1);
    CHECK(meta["licenses"][0]["text"] == "the licence \xc3\xa9\n");
    CHECK(meta["record_problems"].empty());
    CHECK(meta["top_level"] == nlohmann::json({"demo_pkg", "demo_plat"}));
    CHECK(meta["warnings"].size() == 2); // the link, the setuid bit
    CHECK(meta.dump().size() > 100);     // dump() throws on invalid UTF-8
    REQUIRE(find(wheel, format::Root::scripts, "tool"));
    CHECK(find(wheel, format::Root::scripts, "tool")->shebang == "#!\x01/bin/python -E");
    CHECK(find(wheel, format::Root::scripts, "tool")->mode == 0755);
    CHECK(find(wheel, format::Root::scripts, "win")->shebang == "#!\x01/bin/python");
    CHECK(find(wheel, format::Root::scripts, "shell")->shebang.empty());
    CHECK(!find(wheel, format::Root::scripts, "cli"));
    CHECK(find(wheel, format::Root::data, "share/x"));
    CHECK(find(wheel, format::Root::headers, "x.h"));
    CHECK(find(wheel, format::Root::site_packages, "demo_plat/a.so"));
    CHECK(find(wheel, format::Root::site_packages, "demo_pkg/run.sh")->mode == 0755);
    CHECK(find(wheel, format::Root::site_packages, "demo_pkg/__init__.py")->mode == 0644);
    CHECK(find(wheel, format::Root::site_packages, "demo_pkg/__init__.py")->sha256 ==
          to_hex(sha256(as_bytes("x = 1\n"))));
    CHECK(find(wheel, format::Root::site_packages, "demo_pkg/link")->kind == format::EntryKind::file);
    CHECK(find(wheel, format::Root::site_packages, "demo_pkg/suid")->mode == 0755);
    CHECK(!find(wheel, format::Root::site_packages, "demo_pkg-1.0.dist-info/RECORD"));
    CHECK(!find(wheel, format::Root::site_packages, "empty"));
    for (const auto& row : meta["record"])
        if (row[1] == "share/x")
            CHECK(row == nlohmann::json({"data", "share/x", "sha256=" + to_base64url(sha256(as_bytes("1"))), 1}));
    for (std::size_t i = 0; i < wheel.entries().size(); ++i) {
        auto source = wheel.open(i);
        REQUIRE(source.ok());
        CHECK(archive::read_all(**source, 1000, "x")->size() == wheel.entries()[i].size);
    }
}

TEST_CASE("wheel: names that are no wheel") {
    for (auto [name, part] : {std::pair{"demo-1.0.tar.gz", "source distribution"},
                              {"demo-1.0.zip", "source distribution"},
                              {"demo-1.0-py3.8.egg", "egg"},
                              {"demo.whl", "PEP 427"},
                              {"demo-1.0-py3-none.whl", "PEP 427"},
                              {"demo-1.0-x-py3-none-any.whl", "PEP 427"}}) {
        Builder b;
        b.file_name = name;
        CHECK(has(b.error(), part));
    }
}

TEST_CASE("wheel: the file is something else, or a part of a wheel") {
    Builder b;
    const std::string_view html = "\n<!DOCTYPE html><html><body>Login</body></html>";
    auto opened = b.open(Bytes(as_bytes(html).begin(), as_bytes(html).end()));
    REQUIRE(!opened.ok());
    CHECK(has(opened.error().message, "HTML"));
    REQUIRE(b.open().ok());
    Bytes whole = read_bytes(b.directory.path() / b.file_name).value();
    for (std::size_t n = 0; n < whole.size(); n += 3)
        CHECK(!b.open(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n))).ok());
    whole.resize(whole.size() / 2);
    opened = b.open(whole);
    CHECK(has(opened.error().message, "cut short"));
}

TEST_CASE("wheel: missing and contradicting files") {
    for (const char* name : {"WHEEL", "METADATA"}) {
        Builder b;
        b.items.erase(std::string("demo_pkg-1.0.dist-info/") + name);
        CHECK(has(b.error(), std::string(name) + ": this file is missing"));
    }
    Builder b;
    b.write_record = false;
    CHECK(has(b.error(), "RECORD: this file is missing"));
    b = Builder();
    b.set("other-1.0.dist-info/METADATA", "Name: other\n");
    CHECK(has(b.error(), "several .dist-info"));
    b = Builder();
    b.file_name = "other-1.0-py3-none-any.whl";
    CHECK(has(b.error(), "another name"));
    b = Builder();
    b.file_name = "demo_pkg-1.1-py3-none-any.whl";
    CHECK(has(b.error(), "its Version is '1.0.0', the file's name says '1.1'"));
    b = Builder();
    b.info("METADATA", "Name: demo\nVersion: 1.0\n");
    CHECK(has(b.error(), "its Name is 'demo'"));
    b = Builder();
    b.info("WHEEL", "Wheel-Version: 2.0\n");
    CHECK(has(b.error(), "WHEEL: its Wheel-Version is 2.0"));
    b.info("WHEEL", "Generator: x\n");
    CHECK(has(b.error(), "is not a Wheel-Version"));
    b.info("WHEEL", "Wheel-Version: 1.9\n");
    auto newer = b.open();
    REQUIRE(newer.ok());
    CHECK(has((*newer)->metadata()["warnings"][0], "newer"));
    b = Builder();
    b.items.clear();
    b.write_record = false;
    b.set("x.py", "1");
    CHECK(has(b.error(), "no .dist-info"));
}

TEST_CASE("wheel: hostile and odd members") {
    Builder b;
    b.set("../evil", "1");
    CHECK(has(b.error(), ".."));
    b = Builder();
    b.set("demo_pkg-1.0.data/unknown/x", "1");
    CHECK(has(b.error(), "this is none"));
    b = Builder();
    b.set("demo_pkg-1.0.data/x", "1");
    CHECK(has(b.error(), "this is none"));
    b = Builder();
    b.set("demo_pkg-1.0.data/purelib/demo_pkg/__init__.py", "other");
    CHECK(has(b.error(), "same place"));
    b = Builder();
    b.set("demo_pkg-1.0.data/purelib/demo_pkg", "a file");
    CHECK(has(b.error(), "as a file and as a directory"));
    b = Builder();
    b.info("entry_points.txt", "[console_scripts]\n../x = a:b\n");
    CHECK(has(b.error(), "is not a name for a script"));
    b.info("entry_points.txt", "[console_scripts]\nx\n");
    CHECK(has(b.error(), "line 2"));
}

TEST_CASE("wheel: RECORD that does not match is reported, one that cannot be read is refused") {
    Builder b;
    b.extra_rows = "gone.py,sha256=AAAA,1\n";
    b.info("RECORD", b.record());
    b.set("unlisted.py", "1");
    auto wheel = b.open();
    REQUIRE(wheel.ok());
    const auto& problems = (*wheel)->metadata()["record_problems"];
    REQUIRE(problems.size() == 2);
    CHECK(has(problems[0], "lists gone.py"));
    CHECK(has(problems[1], "does not list unlisted.py"));
    CHECK((*wheel)->metadata()["warnings"].size() == 1);
    b = Builder();
    b.info("RECORD", "demo_pkg/__init__.py,sha256=00,99\ndemo_pkg/run.sh,md5=1,10\ndemo_pkg-1.0.dist-info/WHEEL,,\n");
    wheel = b.open();
    REQUIRE(wheel.ok());
    CHECK((*wheel)->metadata()["record_problems"].size() >= 4);
    // Other algorithms than SHA-256 are compared, too.
    for (const char* algorithm : {"sha384", "sha512"}) {
        b = Builder();
        fetch::Hasher hasher(algorithm);
        hasher.update(as_bytes(b.items["demo_pkg/__init__.py"].content));
        const std::string row =
            fmt::format("demo_pkg/__init__.py,{}={},6\n", algorithm, to_base64url(*from_hex(hasher.finish())));
        const std::string all = b.record();
        b.info("RECORD", row + all.substr(all.find('\n', all.find("demo_pkg/__init__.py,")) + 1));
        b.extra_rows = "";
        wheel = b.open();
        REQUIRE(wheel.ok());
        CAPTURE((*wheel)->metadata()["record_problems"].dump());
        const std::size_t before = (*wheel)->metadata()["record_problems"].size();
        b.set("demo_pkg/__init__.py", "x = 2\n");
        wheel = b.open();
        REQUIRE(wheel.ok());
        const auto& changed = (*wheel)->metadata()["record_problems"];
        CHECK(changed.size() == before + 1);
        CHECK(std::ranges::any_of(changed, [&](const auto& one) {
            return has(one, fmt::format("RECORD's {} of demo_pkg/__init__.py is not that of the file", algorithm));
        }));
    }
    b = Builder();
    b.set("demo_pkg/a,b.py", "x");
    b.info("RECORD", b.record() + "demo_pkg/__init__.py,,,\n");
    wheel = b.open();
    REQUIRE(wheel.ok());
    const auto& commas = (*wheel)->metadata()["record_problems"];
    CAPTURE(commas.dump());
    CHECK(has(commas[0], "more than three fields (demo_pkg/a,b.py)"));
    CHECK(std::ranges::none_of(commas, [](const auto& one) { return has(one, "does not list"); }));
    b.info("RECORD", "only,two\n");
    CHECK(has(b.error(), "RECORD: line 1"));
}

TEST_CASE("wheel: tags must fit the target") {
    const pip::TagRanking target(pip::Target{.python = "3.11", .platform = "linux-64", .glibc = "2.28"});
    pip::WheelOptions options;
    options.target = &target;
    options.target_name = "CPython 3.11 on linux-64";
    Builder b;
    CHECK(b.error(options).empty());
    b.file_name = "Demo_Pkg-1.0-cp312-cp312-win_amd64.whl";
    CHECK(has(b.error(options), "cp312-cp312-win_amd64) do not fit CPython 3.11 on linux-64"));
}

TEST_CASE("wheel: RECORD's CSV") {
    auto rows = pip::parse_record("\xef\xbb\xbf\"a,b \"\"c\"\"\",sha256=x,1\r\nd,,\n\n");
    REQUIRE(rows.ok());
    REQUIRE(rows->size() == 2);
    CHECK((*rows)[0].path == "a,b \"c\"");
    CHECK((*rows)[0].size == "1");
    CHECK((*rows)[1].path == "d");
    CHECK(!pip::parse_record("\"open,,\n").ok());
    auto more = pip::parse_record("a,b.py,sha256=x,1\nc,,\n");
    REQUIRE((more.ok() && more->size() == 2));
    CHECK((*more)[0].path == "a");
    REQUIRE((*more)[0].joined);
    CHECK((*more)[0].joined->path == "a,b.py");
    CHECK((*more)[0].joined->hash == "sha256=x");
    CHECK(!(*more)[1].joined);
    CHECK(!pip::parse_record("\"a\"x,,\n").ok());
    CHECK(!pip::parse_record(",,\n").ok());
    auto headers = pip::parse_headers("A: 1\r\nLong: x\n  y\n\nbody\n");
    REQUIRE(headers.size() == 3);
    CHECK(headers[1].second == "x\ny");
    CHECK(headers[2].second == "body\n");
}
