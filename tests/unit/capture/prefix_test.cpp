// Whole prefixes: a venv with its base, a conda prefix, and prefixes that cannot be moved.
#include "common/base/base64url.hpp"
#include "common/base/hash.hpp"
#include "common/base/hex.hpp"
#include "common/base/process.hpp"
#include "generator/fetch/hashes.hpp"
#include "tests/unit/capture/materialize.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <set>

using namespace tinderbox;
using namespace tinderbox::capture;
using nlohmann::json;

namespace {

struct Ran {
    int code = -1;
    std::string output;
};

Ran run(std::vector<std::string> argv) {
    ProcessSpec spec;
    spec.argv = std::move(argv);
    spec.unset = {"PYTHON*"};
    spec.merge_stderr = true;
    spec.timeout_seconds = 240;
    auto r = run_process(spec);
    return r.ok() ? Ran{r->exit_code, r->output} : Ran{};
}

void write(const fs::path& path, std::string_view text, mode_t mode = 0644) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    ::chmod(path.c_str(), mode);
}

std::string text_of(const parcel::Artifact& artifact, const std::string& path) {
    for (std::size_t i = 0; i < artifact.entries().size(); ++i)
        if (artifact.entries()[i].path == path) return content_of(artifact, i);
    return "(no such entry)";
}

std::set<std::string> paths(const json& list) {
    std::set<std::string> out;
    for (const json& item : list) out.insert(item["path"]);
    return out;
}

struct Python {
    std::string executable, site; // site: lib/pythonX.Y/site-packages
};

std::optional<Python> any_python() {
    Ran r = run({"python3", "-c",
                 "import sys, venv; print(sys.executable, 'lib/python%d.%d/site-packages' % sys.version_info[:2])"});
    if (r.code != 0) return std::nullopt;
    auto words = split(trim(r.output), ' ');
    if (words.size() != 2) return std::nullopt;
    return Python{std::string(words[0]), std::string(words[1])};
}

} // namespace

TEST_CASE("a venv and its base become one prefix") {
    auto python = any_python();
    if (!python) SKIP("there is no python3 with venv");
    auto temporary = TemporaryDirectory::make();
    REQUIRE(temporary.ok());
    fs::path venv = temporary->path() / "my env";
    REQUIRE(run({python->executable, "-m", "venv", "--without-pip", venv.string()}).code == 0);
    fs::path site = venv / python->site;
    std::string shebang = "#!/bin/sh\n'''exec' \"" + venv.string() + "/bin/python\" \"$0\" \"$@\"\n' '''\n";
    write(venv / "bin/tool", shebang + "import demo, sys\nprint(demo.where, sys.prefix)\n", 0755);
    write(venv / "bin/other", "#!" + venv.string() + "/bin/python3\nprint('other')\n", 0755);
    write(site / "demo.py", "where = '" + venv.string() + "/share/demo'\n");
    write(site / "demo-1.2.dist-info/METADATA",
          "Metadata-Version: 2.1\nName: demo\nVersion: 1.2\nLicense-Expression: MIT\n\nName: no\n");
    write(site / "demo-1.2.dist-info/REQUESTED", "");
    write(site / "demo-1.2.dist-info/licenses/LICENSE", "MIT text");
    write(site / "demo-1.2.dist-info/RECORD",
          "../../../bin/tool,sha256=abc,3\ndemo.py,sha256=def,4\ndemo-1.2.dist-info/METADATA,sha256=x,5\n");
    write(site / "__pycache__/demo.cpython-311.pyc", "bytecode");
    write(site / "edit-0.dist-info/direct_url.json", R"({"url": "file:///elsewhere", "dir_info": {}})");
    write(site / "edit-0.dist-info/METADATA",
          "Name: edit\nVersion: 0\nLicense: UNKNOWN\nClassifier: License :: OSI Approved :: BSD License\n");
    write(site / "edit.pth", "/elsewhere/src\n");
    write(site / "fine.pth", "import sys\n" + venv.string() + "/extra\nsub\n");
    write(site / "data.bin", std::string("\0\x01", 2) + venv.string());
    write(venv / "pip.conf", "[global]\nindex-url = https://user:canary@host/simple\n");
    write(temporary->path() / "outside.txt", "outside");
    fs::create_symlink(temporary->path() / "outside.txt", site / "linked.txt");
    fs::create_symlink(venv / "bin/tool", venv / "bin/absolute");
    fs::create_symlink("/nowhere", venv / "bin/broken");

    auto captured = capture_prefix(venv);
    REQUIRE((captured.ok() ? "" : captured.error().message) == "");
    const parcel::Artifact& a = **captured;
    const json& m = a.metadata();
    CHECK(m["kind"] == "prefix");
    CHECK(m["name"] == "my env");
    CHECK(m["distributions"].size() == 2);
    CHECK(m["distributions"][0] == json({{"name", "demo"},
                                         {"version", "1.2"},
                                         {"license", "MIT"},
                                         {"path", python->site + "/demo-1.2.dist-info"},
                                         {"requested", true}}));
    CHECK_FALSE(m["distributions"][1].contains("requested"));
    CHECK(m["distributions"][1]["license"] == "BSD License");
    CHECK(paths(m["not_relocatable"]) == std::set<std::string>{python->site + "/data.bin", python->site + "/edit.pth"});
    auto left = paths(m["left_out"]);
    CHECK(left.contains("pip.conf"));
    CHECK(left.contains("bin/broken"));
    CHECK_FALSE(entry(a, "pyvenv.cfg"));
    CHECK_FALSE(entry(a, "bin/activate"));
    CHECK_FALSE(entry(a, "lib64"));
    CHECK_FALSE(entry(a, python->site + "/__pycache__/demo.cpython-311.pyc"));
    CHECK(entry(a, "bin/absolute")->link == "tool");
    CHECK(text_of(a, python->site + "/linked.txt") == "outside");
    CHECK(entry(a, "bin/python")->kind == format::EntryKind::symlink);
    CHECK(text_of(a, python->site + "/demo-1.2.dist-info/RECORD")
              .starts_with("../../../bin/tool,,\ndemo.py,,\ndemo-1.2.dist-info/METADATA,sha256=x,5\n"));
    CHECK(m.dump().find("canary") == std::string::npos);
    CHECK(m.dump().find(temporary->path().string()) == std::string::npos);

    fs::path prefix = temporary->path() / ("new prefix " + std::string(100, 'y'));
    materialize(a, prefix);
    Ran r = run({"/usr/bin/env", "-i", (prefix / "bin/tool").string()});
    CHECK(r.output == prefix.string() + "/share/demo " + prefix.string() + "\n");
    CHECK(run({(prefix / "bin/other").string()}).output == "other\n");
    r = run({(prefix / "bin/python").string(), "-c", "import importlib.metadata as m; print(m.version('demo'))"});
    CHECK(r.output == "1.2\n");

    auto strict = capture_prefix(venv, {.strict = true, .progress = {}});
    REQUIRE_FALSE(strict.ok());
    CHECK(strict.error().kind == ErrorKind::usage);
    CHECK(strict.error().message.find(python->site + "/data.bin") != std::string::npos);

    // What is installed from a source directory would be lacking there, and no warning is loud enough for that.
    write(site / "my_lab-0.dist-info/direct_url.json",
          R"({"url": "file:///home/me/my%20lab", "dir_info": {"editable": true}})");
    write(site / "old.egg-link", "/home/me/old\n.\n");
    auto editable = capture_prefix(venv);
    REQUIRE_FALSE(editable.ok());
    CHECK(editable.error().kind == ErrorKind::usage);
    for (const char* part : {"my_lab, old", "'/home/me/my lab' /home/me/old", "--no-deps"})
        CHECK(editable.error().message.find(part) != std::string::npos);
}

TEST_CASE("an environment that differs from its own records is named, and refused with --strict") {
    auto temporary = TemporaryDirectory::make();
    REQUIRE(temporary.ok());
    const fs::path prefix = temporary->path() / "env";
    const std::string same = to_hex(sha256(as_bytes(std::string_view("as installed\n"))));
    json paths_of_x = json::array();
    for (const char* path : {"share/same.txt", "share/changed.txt", "share/gone.txt"})
        paths_of_x.push_back({{"_path", path}, {"sha256_in_prefix", same}});
    paths_of_x.push_back({{"_path", "lib/link.so"}, {"path_type", "softlink"}, {"sha256", same}});
    paths_of_x.push_back({{"_path", "lib/python3.11/__pycache__/a.cpython-311.pyc"}});
    paths_of_x.push_back({{"_path", "share/patched.txt"}, {"sha256", same}, {"prefix_placeholder", "/build/ph"}});
    write(prefix / "conda-meta/x-1-h_0.json",
          json{{"name", "x"}, {"version", "1"}, {"paths_data", {{"paths", paths_of_x}}}}.dump());
    write(prefix / "conda-meta/old-1-0.json",
          json{{"name", "old"}, {"version", "1"}, {"files", {"share/same.txt", "share/lost.txt"}}}.dump());
    write(prefix / "share/same.txt", "as installed\n");
    write(prefix / "share/changed.txt", "edited\n");
    write(prefix / "share/patched.txt", "with the prefix\n");
    fs::create_directories(prefix / "lib");
    fs::create_symlink("same.so.1", prefix / "lib/link.so");
    const std::string gone = (temporary->path() / "moved/bin/python3").string();
    write(prefix / "bin/moved", "#!" + gone + "\n", 0755);
    write(prefix / "bin/moved-long", "#!/bin/sh\n'''exec' \"" + gone + "\" \"$0\" \"$@\"\n' '''\n", 0755);
    write(prefix / "bin/system", "#!/bin/sh\nexit\n", 0755);
    write(prefix / "share/example", "#!" + gone + "\n");
    write(temporary->path() / "other/pyvenv.cfg", "");
    write(temporary->path() / "other/bin/python", "");
    write(prefix / "bin/copied", "#!" + (temporary->path() / "other/bin/python").string() + " -E\n", 0755);

    auto captured = capture_prefix(prefix);
    REQUIRE((captured.ok() ? "" : captured.error().message) == "");
    CHECK(paths((*captured)->metadata()["differing"]) == std::set<std::string>{"bin/copied", "bin/moved",
                                                                               "bin/moved-long", "share/changed.txt",
                                                                               "share/gone.txt", "share/lost.txt"});
    const std::string warnings = (*captured)->metadata()["warnings"].dump();
    CHECK(warnings.find("6 files") != std::string::npos);
    CHECK(warnings.find("share/changed.txt") != std::string::npos);
    auto strict = capture_prefix(prefix, {.strict = true, .progress = {}});
    REQUIRE_FALSE(strict.ok());
    CHECK(strict.error().kind == ErrorKind::usage);
    CHECK(strict.error().message.find("bin/copied") != std::string::npos);
}

TEST_CASE("a RECORD whose file is gone or has other bytes is named") {
    auto python = any_python();
    if (!python) SKIP("there is no python3 with venv");
    auto temporary = TemporaryDirectory::make();
    REQUIRE(temporary.ok());
    const fs::path venv = temporary->path() / "env", site = venv / python->site;
    REQUIRE(run({python->executable, "-m", "venv", "--without-pip", venv.string()}).code == 0);
    const std::string of_x = "sha256=" + to_base64url(sha256(as_bytes(std::string_view("x = 1\n"))));
    fetch::Hasher hasher("sha512");
    hasher.update(as_bytes(std::string_view("x = 1\n")));
    const std::string sha512 = "sha512=" + to_base64url(*from_hex(hasher.finish()));
    for (const char* name : {"demo.py", "long.py"}) write(site / name, "x = 1\n");
    for (const char* name : {"edited.py", "edited-long.py"}) write(site / name, "x = 2\n");
    write(site / "demo-1.dist-info/METADATA", "Name: demo\nVersion: 1\n");
    write(site / "demo-1.dist-info/RECORD",
          fmt::format("demo.py,{0},6\nedited.py,{0},6\n\"gone,a.py\",{0},6\n__pycache__/demo.cpython-311.pyc,,\n"
                      "../../../bin/demo,{0},6\n../../../../../elsewhere/x,,\ndemo-1.dist-info/RECORD,,\n"
                      "long.py,{1},6\nedited-long.py,{1},6\n",
                      of_x, sha512));
    write(venv / "bin/demo", "#!" + venv.string() + "/bin/python\n", 0755); // other tools write another first line
    auto captured = capture_prefix(venv);
    REQUIRE((captured.ok() ? "" : captured.error().message) == "");
    CHECK(paths((*captured)->metadata()["differing"]) == std::set<std::string>{python->site + "/edited-long.py",
                                                                               python->site + "/edited.py",
                                                                               python->site + "/gone,a.py"});
}

TEST_CASE("a file that changes after the capture is refused") {
    auto temporary = TemporaryDirectory::make();
    REQUIRE(temporary.ok());
    fs::path prefix = temporary->path() / "env";
    write(prefix / "conda-meta/history", "");
    write(prefix / "share/x.txt", "one");
    auto captured = capture_prefix(prefix);
    REQUIRE(captured.ok());
    auto before = (*captured)->sha256();
    write(prefix / "share/x.txt", "three");
    for (std::size_t i = 0; i < (*captured)->entries().size(); ++i) {
        if ((*captured)->entries()[i].path != "share/x.txt") continue;
        auto opened = (*captured)->open(i);
        REQUIRE_FALSE(opened.ok());
        CHECK(opened.error().kind == ErrorKind::storage);
        CHECK(opened.error().message.find("changed while it was being captured") != std::string::npos);
    }
    CHECK((*capture_prefix(prefix))->sha256() != before);
}

TEST_CASE("a conda prefix keeps its records and its placeholders") {
    auto temporary = TemporaryDirectory::make();
    REQUIRE(temporary.ok());
    fs::path prefix = temporary->path() / "env";
    std::string placeholder = "/build/" + std::string(248, 'h');
    std::string nul(1, '\0'), original = nul + placeholder + "/ssl" + nul + "end";
    std::string installed =
        nul + prefix.string() + "/ssl" + std::string(placeholder.size() - prefix.string().size(), '\0') + nul + "end";
    write(prefix / "lib/libx.so", installed);
    write(prefix / "share/x.sh", "#!" + prefix.string() + "/bin/bash\necho " + prefix.string() + "\n", 0755);
    json record = {{"name", "x"},
                   {"version", "1"},
                   {"build", "h_0"},
                   {"license", "MIT"},
                   {"channel", "https://user:canary@conda.example/t/canary-token/ch/linux-64"},
                   {"url", "https://user:canary@conda.example/t/canary-token/ch/linux-64/x-1-h_0.conda"},
                   {"paths_data",
                    {{"paths_version", 1},
                     {"paths", json::array({{{"_path", "lib/libx.so"},
                                             {"prefix_placeholder", placeholder},
                                             {"file_mode", "binary"},
                                             {"sha256", to_hex(sha256(as_bytes(original)))}}})}}}};
    write(prefix / "conda-meta/x-1-h_0.json", record.dump(2));
    write(prefix / "conda-meta/broken.json", "{");
    write(prefix / "conda-meta/history", "==> 2026 <==\n# cmd: " + prefix.string() + "/bin/conda\n");
    write(prefix / ".condarc", "channels: [https://host/t/canary-token]\n");
    write(prefix / "pkgs/x/y", "cache");
    write(prefix / "envs/other/z", "other");
    auto captured = capture_prefix(prefix);
    REQUIRE((captured.ok() ? "" : captured.error().message) == "");
    const parcel::Artifact& a = **captured;
    CHECK(entry(a, "lib/libx.so")->prefix_mode == parcel::PrefixMode::binary);
    CHECK(entry(a, "lib/libx.so")->placeholder == placeholder);
    CHECK(text_of(a, "lib/libx.so") == original);
    CHECK(entry(a, "share/x.sh")->shebang == "#!\x01/bin/bash");
    CHECK_FALSE(entry(a, "pkgs/x/y"));
    CHECK_FALSE(entry(a, "envs/other/z"));
    CHECK_FALSE(entry(a, ".condarc"));
    CHECK(text_of(a, "conda-meta/x-1-h_0.json").find("canary") == std::string::npos);
    const json& m = a.metadata();
    REQUIRE(m["conda_packages"].size() == 1);
    CHECK(m["conda_packages"][0]["build"] == "h_0");
    CHECK(m.dump().find("canary") == std::string::npos);
    CHECK_FALSE(m.contains("python"));
}

TEST_CASE("libraries are linked beside a file whose RPATH has room for $ORIGIN only") {
    std::string name = "/tmp/XXXXXX"; // short: the RPATH below is shorter than its relative form
    REQUIRE(::mkdtemp(name.data()));
    fs::path prefix = name, deep = prefix / "lib/a/b/c/d";
    write(prefix / "conda-meta/history", "");
    fs::create_directories(deep);
    write(prefix / "y.c", "int y(void) { return 7; }\n");
    write(prefix / "x.c", "int y(void); int x(void) { return y(); }\n");
    bool built =
        run({"gcc", "-shared", "-fPIC", "-o", name + "/lib/liby.so.1", "-Wl,-soname,liby.so.1", name + "/y.c"}).code ==
            0 &&
        run({"gcc", "-shared", "-fPIC", "-o", (deep / "x.so").string(), name + "/x.c", name + "/lib/liby.so.1",
             "-Wl,-rpath," + name + "/lib"})
                .code == 0;
    auto captured = capture_prefix(prefix);
    auto temporary = TemporaryDirectory::make();
    if (built && captured.ok()) materialize(**captured, temporary->path() / "new prefix");
    (void)remove_tree(prefix);
    if (!built) SKIP("there is no gcc");
    REQUIRE(captured.ok());
    const parcel::Entry* link = entry(**captured, "lib/a/b/c/d/liby.so.1");
    REQUIRE(link);
    CHECK(link->link == "../../../../liby.so.1");
    CHECK((*captured)->metadata()["libraries"].empty());
    Ran r = run({"python3", "-c", "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).x())",
                 (temporary->path() / "new prefix/lib/a/b/c/d/x.so").string()});
    CHECK(r.output == "7\n");
}

TEST_CASE("directories that are no prefix are refused in a sentence") {
    auto message = [](const fs::path& path) {
        auto r = capture_prefix(path);
        REQUIRE_FALSE(r.ok());
        CHECK(r.error().kind == ErrorKind::usage);
        return r.error().message;
    };
    auto temporary = TemporaryDirectory::make();
    REQUIRE(temporary.ok());
    CHECK(message(temporary->path() / "none").find("is not a directory") != std::string::npos);
    CHECK(message(temporary->path()).find("has no bin/python3") != std::string::npos);
    CHECK(message("/usr").find("--python-from") != std::string::npos);
    auto python = any_python();
    if (!python) return;
    fs::create_directories(temporary->path() / "bin");
    fs::create_symlink(python->executable, temporary->path() / "bin/python3");
    CHECK(message(temporary->path()).find("is no prefix of its own") != std::string::npos);
}

// Takes minutes: real packages from the configured index, and a whole pyenv prefix.
TEST_CASE("a venv with real packages", "[.all]") {
    auto python = any_python();
    if (!python) SKIP("there is no python3 with venv");
    auto temporary = TemporaryDirectory::make();
    REQUIRE(temporary.ok());
    fs::path venv = temporary->path() / "venv";
    REQUIRE(run({python->executable, "-m", "venv", venv.string()}).code == 0);
    Ran pip = run({(venv / "bin/pip").string(), "install", "-q", "numpy", "pillow", "requests"});
    if (pip.code != 0) SKIP("no package index: " + pip.output);
    auto captured = capture_prefix(venv);
    REQUIRE((captured.ok() ? "" : captured.error().message) == "");
    INFO((*captured)->metadata()["not_relocatable"].dump(1));
    CHECK((*captured)->metadata()["not_relocatable"].empty());
    for (const parcel::Entry& e : (*captured)->entries()) CHECK(e.prefix_mode != parcel::PrefixMode::binary);
    fs::path prefix = temporary->path() / ("new prefix " + std::string(100, 'y'));
    materialize(**captured, prefix);
    fs::rename(venv, temporary->path() / "gone"); // no path may lead back to the old place
    Ran r = run({(prefix / "bin/python").string(), "-I", "-c",
                 "import numpy, PIL.Image, requests, sys; print(numpy.dot([1, 2], [3, 4])); assert "
                 "numpy.__file__.startswith(sys.prefix)"});
    CHECK(r.output == "11\n");
    CHECK(run({(prefix / "bin/pip").string(), "check"}).output == "No broken requirements found.\n");
    r = run({(prefix / "bin/pip").string(), "uninstall", "-y", "numpy"});
    INFO(r.output);
    CHECK(r.code == 0);
    CHECK_FALSE(fs::exists(prefix / python->site / "numpy"));
    CHECK_FALSE(fs::exists(prefix / "bin/f2py"));
}

TEST_CASE("a whole pyenv prefix", "[.all]") {
    Ran root = run({"pyenv", "prefix"});
    if (root.code != 0) SKIP("there is no pyenv");
    fs::path old = std::string(trim(root.output));
    auto captured = capture_prefix(old);
    REQUIRE((captured.ok() ? "" : captured.error().message) == "");
    const json& m = (*captured)->metadata();
    for (const char* list : {"not_relocatable", "left_out"}) UNSCOPED_INFO(list << m[list].dump(1));
    CHECK(m["not_relocatable"].empty());
    CHECK(m["distributions"].size() >= 2);
    auto temporary = TemporaryDirectory::make();
    REQUIRE(temporary.ok());
    fs::path prefix = temporary->path() / "new prefix";
    materialize(**captured, prefix);
    Ran r = run({(prefix / "bin/python").string(), "-m", "pip", "list", "--format=freeze"});
    CHECK(r.output == run({(old / "bin/python").string(), "-m", "pip", "list", "--format=freeze"}).output);
    CHECK(run({(prefix / "bin/pip").string(), "--version"}).output.find(prefix.string()) != std::string::npos);
    CHECK(run({"grep", "-rlI", "--exclude-dir=__pycache__", old.string(), prefix.string()}).output == "");
}
