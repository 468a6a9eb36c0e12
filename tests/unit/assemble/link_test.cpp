// The linker's jobs: the index of inputs, destinations and conflicts, records with holes, the package cache, sizes.
#include "common/base/base64url.hpp"
#include "generator/assemble/destinations.hpp"
#include "generator/assemble/link.hpp"
#include "generator/assemble/own_paths.hpp"
#include "tests/unit/assemble/parcels.hpp"

#include <catch2/catch_test_macros.hpp>
#include <zstd.h>

using namespace tinderbox;
using namespace tinderbox::assemble;
using namespace tinderbox::test;
using nlohmann::json;

namespace {

const format::PythonInfo python = python311();

format::Reloc cstring(const std::string& placeholder) {
    return {format::RelocKind::cstring, 0, placeholder.size(), placeholder, 0};
}

const format::Destination* find(const Image& image, const std::string& path, format::Root root = format::Root::env) {
    for (const format::Destination& d : image.table.destinations)
        if (d.root == root && d.path == path) return &d;
    return nullptr;
}

const format::Content& content_of(const Image& image, const std::string& path, format::Root root = format::Root::env) {
    const format::Destination* d = find(image, path, root);
    INFO(path);
    REQUIRE(d);
    return image.table.contents.at(d->content);
}

// The text of a generated file, stand-ins included.
std::string text_of(const Image& image, const std::string& path, format::Root root = format::Root::env) {
    const format::Content& content = content_of(image, path, root);
    if (content.size == 0) return "";
    const BlockSource& source = image.sources.at(content.block);
    REQUIRE(source.input == memory_input);
    const format::Block& block = image.table.blocks.at(content.block);
    std::string raw(block.raw, 0);
    REQUIRE(ZSTD_decompress(raw.data(), raw.size(), image.memory.data() + source.offset, block.packed) == raw.size());
    return raw.substr(content.offset, content.size);
}

const json* path_of(const json& record, const std::string& path) {
    for (const json& one : record["paths_data"]["paths"])
        if (one["_path"] == path) return &one;
    return nullptr;
}

Image link_or_fail(const lock::Lock& lock, const std::vector<LinkInput>& inputs, LinkOptions options = {}) {
    options.name = "demo";
    auto image = link(lock, &python, inputs, options);
    if (!image.ok()) FAIL(image.error().message);
    return std::move(image).value();
}

lock::Lock demo_lock() {
    lock::Lock lock;
    lock.name = "demo";
    return lock;
}

} // namespace

TEST_CASE("inputs are found by what they are", "[link]") {
    std::vector<LinkInput> inputs(6);
    inputs[0].parcel = make_conda_parcel("python");
    inputs[1].parcel = make_parcel("wheel", "demo");
    inputs[2].parcel = make_conda_parcel("conda");
    inputs[2].root = format::Root::base;
    inputs[3].parcel = make_parcel("conda-info", "conda");
    inputs[3].root = format::Root::base;
    inputs[3].info_of = 2;
    inputs[4].parcel = make_parcel("base", "Miniforge3");
    inputs[4].root = format::Root::base;
    inputs[5].parcel = make_parcel("bytecode", "demo");
    inputs[5].bytecode_of = 1;
    const InputIndex index(inputs);
    using Indexes = InputIndex::Indexes;
    CHECK(index.wheels() == Indexes{1});
    CHECK(index.conda_packages(format::Root::env) == Indexes{0});
    CHECK(index.conda_packages(format::Root::base) == Indexes{2});
    CHECK(index.conda_packages(format::further_environment(0)).empty());
    CHECK(index.bytecode_of(1) == Indexes{5});
    CHECK(index.bytecode_of(0).empty());
    CHECK(index.infos() == Indexes{3});
    CHECK(index.base_files() == 4);
    CHECK(display_name(inputs[1]) == "wheel demo");
}

TEST_CASE("a prefix without a Python takes only what needs none", "[link]") {
    LinkedPrefix bare{format::further_environment(0), nullptr, {format::PrefixKind::further, "other"}, {}};
    const LinkedPrefix env{format::Root::env, &python, {}, {}};
    format::Destination d;
    d.path = "share/x";
    CHECK(path_in(bare, json::object(), d, "x").value() == "share/x");
    d.root = format::Root::site_packages;
    auto refused = path_in(bare, json::object(), d, "demo.conda");
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == ErrorKind::usage);
    CHECK(refused.error().message.find("envs/other") != std::string::npos);
    CHECK(path_in(env, json::object(), d, "x").value() == "lib/python3.11/site-packages/share/x");
    d.root = format::Root::headers;
    CHECK(path_in(env, {{"name", "demo"}}, d, "x").value() == "include/python3.11/demo/share/x");
}

TEST_CASE("of two files with one path the later one stays, with a warning", "[link]") {
    std::vector<LinkInput> inputs(3);
    for (std::size_t i = 0; i < 3; ++i) inputs[i].parcel = make_parcel("include", "p" + std::to_string(i));
    add_file(inputs[0].parcel, "share/same", "one");
    add_file(inputs[1].parcel, "share/same", "one");
    add_file(inputs[0].parcel, "share/other", "one");
    add_file(inputs[2].parcel, "share/other", "two");
    const Image image = link_or_fail(demo_lock(), inputs);
    CHECK(image.warnings == std::vector<std::string>{"include p2 replaces 'share/other' of p0"});
    CHECK(image.manifest.notices == image.warnings);
    CHECK(content_of(image, "share/other").sha256 == sha256(as_bytes(std::string_view("two"))));
    const format::Destination* share = find(image, "share");
    REQUIRE(share);
    CHECK(share->kind == format::EntryKind::directory);
    LinkOptions strict;
    strict.strict = true;
    CHECK_FALSE(link(demo_lock(), &python, inputs, strict).ok());

    add_file(inputs[1].parcel, "share/other/below", "x");
    auto refused = link(demo_lock(), &python, inputs, {});
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().message.find("'share/other' is a file in p2") != std::string::npos);
    inputs[1].parcel.table.destinations.back() = inputs[1].parcel.table.destinations.front();
    inputs[1].parcel.table.destinations.back().path = "share/other";
    inputs[1].parcel.table.destinations.back().kind = format::EntryKind::directory;
    CHECK_FALSE(link(demo_lock(), &python, inputs, {}).ok());
}

TEST_CASE("a wheel gets its scripts and a RECORD with holes", "[link]") {
    lock::Lock lock = demo_lock();
    lock.artifacts = {locked("wheel", "demo")};
    lock.artifacts[0].requested = true;
    std::vector<LinkInput> inputs(2);
    inputs[0].parcel = make_parcel("wheel", "demo");
    inputs[0].artifact = &lock.artifacts[0];
    inputs[0].parcel.metadata["dist_info"] = "demo-1.0.dist-info";
    inputs[0].parcel.metadata["entry_points"] = {{"console_scripts", {{"demo", "demo.cli:main"}}}};
    add_file(inputs[0].parcel, "demo/cli.py", "x = 1\n", {}, format::Root::site_packages);
    add_file(inputs[0].parcel, "tool", "#!python\n", {{format::RelocKind::shebang, 0, 8, "#!\x01/bin/python", 0}},
             format::Root::scripts);
    inputs[1].parcel = make_parcel("bytecode", "demo");
    inputs[1].bytecode_of = 0;
    add_file(inputs[1].parcel, "demo/__pycache__/cli.cpython-311.pyc", "code", {}, format::Root::site_packages).flags =
        format::destination_bytecode;
    const Image image = link_or_fail(lock, inputs);
    CHECK(text_of(image, "bin/demo").starts_with("#!\x01/bin/python3.11\nimport sys\n"));
    CHECK(content_of(image, "bin/tool").relocs.at(0).text == "#!\x01/bin/python3.11");
    const std::string site = "lib/python3.11/site-packages/";
    CHECK(text_of(image, site + "demo-1.0.dist-info/INSTALLER") == "tinderbox\n");
    CHECK(find(image, site + "demo-1.0.dist-info/REQUESTED"));
    const std::string record = text_of(image, site + "demo-1.0.dist-info/RECORD");
    CHECK(record.starts_with("../../../bin/demo,sha256=000"));
    CHECK(record.find("\ndemo/__pycache__/cli.cpython-311.pyc,,\n") != std::string::npos);
    CHECK(record.find("\ndemo/cli.py,sha256=" + to_base64url(sha256(as_bytes(std::string_view("x = 1\n")))) + ",6\n") !=
          std::string::npos);
    CHECK(record.find("\ndemo-1.0.dist-info/RECORD,,\n") != std::string::npos);
    // Hash and size of bin/demo and bin/tool.
    const auto& relocs = content_of(image, site + "demo-1.0.dist-info/RECORD").relocs;
    REQUIRE(relocs.size() == 4);
    CHECK(relocs[0].kind == format::RelocKind::digest_b64url);
    CHECK(relocs[1].kind == format::RelocKind::size_decimal);
    CHECK(image.table.destinations.at(relocs[0].target).path == "bin/demo");
    CHECK(image.table.destinations.at(relocs[2].target).path == "bin/tool");
    CHECK(image.manifest.packages.at(0).files == 7); // includes bytecode and generated files
    // An environment without conda packages is a conda environment, too.
    CHECK(find(image, "conda-meta/history"));
    CHECK(find(image, "bin/activate"));
}

TEST_CASE("a wheel does not take the place of what the environment makes", "[link]") {
    CHECK_FALSE(is_own_path("bin/python-argcomplete", "x"));
    CHECK_FALSE(is_own_path("bin/activate-global-python-argcomplete", "x"));
    CHECK_FALSE(is_own_path("bin/pipx", "x"));
    CHECK_FALSE(is_own_path("bin/pip-compile", "x"));
    CHECK_FALSE(is_own_path("bin/pip3.11", "pip"));
    CHECK_FALSE(is_own_path("share/pyvenv.cfg", "x"));
    lock::Lock lock = demo_lock();
    lock.artifacts = {locked("wheel", "demo"), locked("conda", "python")};
    lock.artifacts[0].file_name = "demo-1.0-py3-none-any.whl";
    std::vector<LinkInput> inputs(2);
    auto reset = [&] {
        inputs[0] = {};
        inputs[0].parcel = make_conda_parcel("python");
        inputs[0].artifact = &lock.artifacts[1];
        add_file(inputs[0].parcel, "bin/idle3", "the interpreter's");
        add_file(inputs[0].parcel, "lib/python3.11/os.py", "the interpreter's");
        add_file(inputs[0].parcel, "lib/python3.11/site-packages/README.txt", "the interpreter's");
        inputs[1] = {};
        inputs[1].parcel = make_parcel("wheel", "demo");
        inputs[1].parcel.metadata["dist_info"] = "demo-1.0.dist-info";
        inputs[1].artifact = &lock.artifacts[0];
    };
    auto refused = [&](const std::string& path) {
        auto image = link(lock, &python, inputs, {});
        INFO(path);
        REQUIRE_FALSE(image.ok());
        CHECK(image.error().kind == ErrorKind::usage);
        CHECK(image.error().message.starts_with("demo-1.0-py3-none-any.whl: "));
        CHECK(image.error().message.find("'" + path + "'") != std::string::npos);
    };
    for (const char* name : {"python", "python3", "python3.11", "python3.13t", "pythonw", "pip", "pip3", "pip3.11",
                             "activate", "activate.csh", "activate.fish", "idle3"}) {
        reset();
        inputs[1].parcel.metadata["entry_points"] = {{"console_scripts", {{name, "demo:main"}}}};
        refused(std::string("bin/") + name);
        reset();
        add_file(inputs[1].parcel, name, "#!python\n", {}, format::Root::scripts);
        refused(std::string("bin/") + name);
    }
    for (const char* path : {"pyvenv.cfg", "conda-meta/state", "conda-meta/history", "lib/python3.11/os.py"}) {
        reset();
        add_file(inputs[1].parcel, path, "hello", {}, format::Root::data);
        refused(path);
    }
    reset();
    add_file(inputs[1].parcel, "README.txt", "the wheel's", {}, format::Root::site_packages);
    add_file(inputs[1].parcel, "lib/python3.11/os.py", "the interpreter's", {}, format::Root::data);
    CHECK(link(lock, &python, inputs, {}).ok());
}

TEST_CASE("a conda record claims no hash that the target changes", "[link]") {
    lock::Lock lock = demo_lock();
    lock.artifacts = {locked("conda", "demo")};
    std::vector<LinkInput> inputs(1);
    inputs[0].parcel = make_conda_parcel("demo");
    inputs[0].artifact = &lock.artifacts[0];
    add_file(inputs[0].parcel, "lib/python3.11/site-packages/m.py", "x");
    add_file(inputs[0].parcel, "lib/python3.11/site-packages/__pycache__/m.cpython-311.pyc", "code");
    add_file(inputs[0].parcel, "lib/libdemo.so", "/old/prefix and more", {cstring("/old/prefix")});
    auto record_of = [&](const Image& image) { return json::parse(text_of(image, "conda-meta/demo-1.0-0.json")); };
    const std::string pyc = "lib/python3.11/site-packages/__pycache__/m.cpython-311.pyc";
    {
        const Image image = link_or_fail(lock, inputs);
        const json record = record_of(image);
        REQUIRE(path_of(record, pyc));
        CHECK(path_of(record, pyc)->contains("sha256_in_prefix"));
        CHECK((*path_of(record, "lib/libdemo.so"))["sha256_in_prefix"] == std::string(64, '0')); // a hole
        std::size_t digests = 0;
        for (const format::Reloc& r : content_of(image, "conda-meta/demo-1.0-0.json").relocs) {
            if (r.kind != format::RelocKind::digest_hex) continue;
            CHECK(image.table.destinations.at(r.target).path == "lib/libdemo.so");
            ++digests;
        }
        CHECK(digests == 1);
        CHECK(image.manifest.install.longest_prefix == std::string("/old/prefix").size());
        CHECK(image.manifest.install.longest_prefix_because == "lib/libdemo.so");
    }
    lock.bytecode = lock::Bytecode::install;
    CHECK_FALSE(path_of(record_of(link_or_fail(lock, inputs)), pyc)->contains("sha256_in_prefix"));
}

TEST_CASE("the base's packages lie installed and extracted, one block for both", "[link][base]") {
    lock::Lock lock = demo_lock();
    const lock::LockedArtifact artifact = locked("conda", "tool");
    conda::ConstructorInstaller installer;
    installer.name = "Miniforge3";
    installer.version = "1";
    installer.writes_nonadmin = true;
    installer.files = {{".condarc", 0644, 0, false, true, 0, 0, false, "root: \x01\n"}};
    BaseLink base{installer, {}, python311(), {{"other", std::nullopt}}};
    base.locked.kind = "miniforge";
    base.locked.version = "1";
    std::vector<LinkInput> inputs(4);
    inputs[0].parcel = make_conda_parcel("tool");
    inputs[0].artifact = &artifact;
    inputs[0].root = format::Root::base;
    add_file(inputs[0].parcel, "bin/plain", "plain");
    add_file(inputs[0].parcel, "lib/libtool.so", "/old/prefix", {cstring("/old/prefix")});
    inputs[1].parcel = make_parcel("conda-info", "tool");
    inputs[1].artifact = &artifact;
    inputs[1].root = format::Root::base;
    inputs[1].info_of = 0;
    add_file(inputs[1].parcel, "info/index.json", "{}");
    inputs[2] = inputs[0];
    inputs[2].root = format::further_environment(0);
    inputs[3].parcel = make_parcel("base", "Miniforge3");
    inputs[3].root = format::Root::base;
    add_file(inputs[3].parcel, "envs/other/conda-meta/initial", "x");
    LinkOptions options;
    options.base = &base;
    const Image image = link_or_fail(lock, inputs, options);
    const format::Root at_base = format::Root::base, other = format::further_environment(0);

    // Three destinations of bin/plain share one content and one inode; the archive's copy of libtool.so keeps the old
    // prefix.
    const format::Destination* plain = find(image, "bin/plain", at_base);
    REQUIRE(plain);
    CHECK((plain->flags & format::destination_shared) != 0);
    for (const format::Destination* d :
         {find(image, "bin/plain", other), find(image, "pkgs/tool-1.0-0/bin/plain", at_base)}) {
        REQUIRE(d);
        CHECK(d->content == plain->content);
    }
    CHECK(content_of(image, "lib/libtool.so", at_base).relocs.size() == 1);
    const format::Content& archived = content_of(image, "pkgs/tool-1.0-0/lib/libtool.so", at_base);
    CHECK(archived.relocs.empty());
    CHECK(archived.block == content_of(image, "lib/libtool.so", at_base).block);

    CHECK(find(image, "pkgs/tool-1.0-0/info/index.json", at_base));
    CHECK(json::parse(text_of(image, "pkgs/tool-1.0-0/info/repodata_record.json", at_base))["name"] == "tool");
    CHECK(text_of(image, "pkgs/urls.txt", at_base) == artifact.url + "\n");
    CHECK((find(image, "pkgs/urls", at_base)->flags & format::destination_package_cache) != 0);
    CHECK(text_of(image, ".condarc", at_base) == "root: /PREFIX\n");
    CHECK((find(image, ".nonadmin", at_base)->flags & format::destination_unless_root) != 0);
    CHECK(find(image, "conda-meta/initial", other));
    const json record = json::parse(text_of(image, "conda-meta/tool-1.0-0.json", other));
    CHECK(record["extracted_package_dir"] == "/PREFIX/../../pkgs/tool-1.0-0");
    CHECK(record["link"]["type"] == 1);

    const format::Manifest& m = image.manifest;
    CHECK(m.base == "miniforge 1");
    CHECK(m.parts.base.longest_prefix == 1); // "/envs/other" is added to it, and one byte must remain
    CHECK(m.install.bytes == m.parts.env.bytes + m.parts.base.bytes);
}
