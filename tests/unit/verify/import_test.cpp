// What the import check says of packages that print, end Python, leave processes behind, or bring files that are no
// modules.
#include "fake_environment.hpp"

#include <chrono>
#include <cstdlib>

using namespace tinderbox;
using namespace tinderbox::verify;

namespace {

const ImportCheck& clean(const std::vector<ImportCheck>& checks, std::string_view name) {
    const ImportCheck* found = find(checks, name, "clean");
    INFO(name);
    REQUIRE(found);
    return *found;
}

} // namespace

TEST_CASE("what an import prints does not hide its end", "[import]") {
    FakeEnvironment e;
    if (!e.usable()) SKIP("no python3 here");
    struct Row {
        const char *name, *code, *sentence; // "" = the import is fine
    };
    const Row rows[] = {
        {"half_line", "print('Loading...', end='', flush=True)\nraise RuntimeError('no')\n",
         "import half_line failed: RuntimeError: no"},
        {"raw", "import os\nos.write(1, b'\\xff{\"end\": true}')\nos.write(2, b'x')\nraise OSError('raw')\n",
         "import raw failed: OSError: raw"},
        {"imitation", "print('TINDERBOX-ANSWER {\"done\": \"imitation\"}')\nprint('{\"end\": true}')\nassert 0, 'no'\n",
         "import imitation failed: AssertionError: no"},
        {"quiet_end", "import os\nos._exit(0)\n",
         "import quiet_end failed: Python was ended early, with exit status 0"},
        {"loud_end", "import os\nos.write(2, b'no licence\\n')\nos._exit(3)\n",
         "import loud_end failed: exit status 3 (no licence)"},
        {"closed", "import sys\nsys.stdout.close()\nsys.stderr.close()\n", ""},
        {"replaced", "import json, os, sys\njson.dumps = os.getpid = sys.exit = None\n", ""},
        {"forked", "import os, sys\nos.fork()\n", ""},
        {"surrogate", "raise RuntimeError('\\udc80')\n", "import surrogate failed: RuntimeError: ?"},
        {"no_words", "class E(Exception):\n    def __str__(self): raise self\nraise E()\n",
         "import no_words failed: exit status 1"},
        {"huge", "raise RuntimeError('x' * 10**7)\n", "import huge failed: RuntimeError: xxx"},
    };
    for (const Row& row : rows) e.package(row.name, row.code);
    const auto checks = e.check();
    for (const Row& row : rows) {
        if (!*row.sentence) {
            CHECK(!find(checks, row.name, "clean"));
            CHECK(clean(checks, "imports").sentence.find(row.name) != std::string::npos);
            continue;
        }
        CHECK(clean(checks, row.name).sentence.starts_with(row.sentence));
        CHECK(!clean(checks, row.name).ok);
    }
}

TEST_CASE("each Python of this machine answers", "[import]") {
    const char* home = std::getenv("HOME");
    std::error_code none;
    bool any = false;
    for (const auto& python : fs::directory_iterator(fs::path(home ? home : "/") / ".pyenv/versions", none)) {
        if (python.path().filename().string().starts_with("2")) continue;
        any = true;
        FakeEnvironment e((python.path() / "bin/python3").string());
        e.package("fine", "print('...', end='')\n");
        e.package("broken", "raise RuntimeError('no')\n");
        const auto checks = e.check();
        INFO(python.path());
        CHECK(clean(checks, "imports").sentence == "import fine");
        CHECK(clean(checks, "broken").sentence == "import broken failed: RuntimeError: no");
        for (const ImportCheck& check : checks) {
            INFO(check.sentence);
            CHECK((check.ok || check.name == "broken"));
        }
    }
    if (!any) SKIP("there is no pyenv");
}

TEST_CASE("every package after one that ends Python is imported", "[import]") {
    FakeEnvironment e;
    if (!e.usable()) SKIP("no python3 here");
    for (int i = 0; i < 12; ++i) e.package(fmt::format("ends{}", i), "import os\nos._exit(0)\n");
    e.package("zbroken", "raise RuntimeError('the last')\n");
    CHECK(clean(e.check(), "zbroken").sentence == "import zbroken failed: RuntimeError: the last");
}

TEST_CASE("a process that an import starts is not waited for", "[import]") {
    FakeEnvironment e;
    if (!e.usable()) SKIP("no python3 here");
    e.package("server", "import subprocess\nsubprocess.Popen(['sleep', '41'])\n");
    const auto began = std::chrono::steady_clock::now();
    CHECK(clean(e.check(), "imports").sentence == "import server");
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(20));
}

TEST_CASE("a Python that prints before and fails after", "[import]") {
    FakeEnvironment e;
    if (!e.usable()) SKIP("no python3 here");
    e.package("fine", "");
    const std::string python = *read_text(e.at("bin/python"));
    SECTION("a start that prints half a line") { // as a .pth file does
        e.write("bin/python", "#!/bin/sh\nprintf 'loaded by a .pth'\n" + python.substr(python.find('\n') + 1));
        fs::permissions(e.at("bin/python"), fs::perms::owner_all);
        for (const ImportCheck& check : e.check()) CHECK(check.ok);
    }
    SECTION("an end that fails") {
        e.package("late", "import atexit, os\natexit.register(os._exit, 5)\n");
        CHECK(clean(e.check(), "imports").sentence == "import fine, late");
        // The first of two: without other packages Python ends well.
        CHECK(e.check()[1].sentence == "Python ended badly after the imports: exit status 5");
    }
}

TEST_CASE("a framework that prints, ends Python, or leaves a process behind", "[import]") {
    FakeEnvironment e;
    if (!e.usable()) SKIP("no python3 here");
    e.manifest.requires_.frameworks = {"torch"};
    e.write("site/torch/__init__.py", "print('Loading', end='', flush=True)\nraise ImportError('no')\n");
    CHECK(clean(e.check(), "torch").sentence == "import torch failed: ImportError: no");
    e.write("site/torch/__init__.py", "import os, subprocess\nsubprocess.Popen(['sleep', '41'])\nos._exit(0)\n");
    CHECK(clean(e.check(), "torch").sentence ==
          "torch: Python was ended early, with exit status 0 during import torch");
    CHECK(!clean(e.check(), "torch").ok);
}

TEST_CASE("only what a package offers is imported", "[import]") {
    FakeEnvironment e;
    if (!e.usable()) SKIP("no python3 here");
    const std::string broken = "raise RuntimeError('not to be imported')\n";
    // A package of these files, which are all broken but those with the package's name.
    auto package = [&](const std::string& name, const std::vector<std::string>& files) {
        e.package(name, "");
        std::string record = name + "/__init__.py,,\n";
        for (std::string file : files) {
            if (file.ends_with('/')) file += "__init__.py";
            e.write("site/" + file, broken);
            record += file + ",,\n";
        }
        e.write("site/" + name + "-1.0.dist-info/RECORD", record);
    };
    auto sentence = [&] { return clean(e.check(), "imports").sentence; };
    SECTION("without a declaration the files decide") {
        package("poetic", {"docs/", "examples/", "benchmarks/", "test_poetic.py", "tests/", "setup.py",
                           "poetic_test.py", "_private.py"});
        CHECK(sentence() == "import poetic; not imported: benchmarks, docs, examples, poetic_test, setup, "
                            "test_poetic, tests");
    }
    SECTION("a package may have such a name") {
        package("benchmark", {});
        package("test_utils", {});
        package("examples", {});
        CHECK(sentence() == "import benchmark, examples, test_utils");
    }
    SECTION("top_level.txt decides") {
        package("declared", {"stray.py", "tests/"});
        e.write("site/declared-1.0.dist-info/top_level.txt", "declared\n\ntests\nnever_shipped\n_declared\n");
        CHECK(sentence() == "import declared; not imported: tests");
    }
    SECTION("Import-Name decides") {
        package("named", {"stray.py", "docs/", "named/hidden.py"});
        e.write("site/named/docs.py", "");
        e.write("site/named-1.0.dist-info/top_level.txt", "stray\n");
        e.write("site/named-1.0.dist-info/METADATA",
                "Metadata-Version: 2.5\nName: named\nImport-Name: named\nimport-name: named.docs\n"
                "Import-Name: named.hidden ; private\nImport-Namespace: stray\n\nImport-Name: stray\n");
        CHECK(sentence() == "import named, named.docs");
    }
    SECTION("a package that is imported by no name") {
        package("nothing", {"stray.py"});
        package("fine", {});
        e.write("site/nothing-1.0.dist-info/METADATA", "Metadata-Version: 2.5\nName: nothing\nImport-Name:\n\n");
        CHECK(sentence() == "import fine");
    }
    SECTION("a shared library for ctypes, and an extension module that is broken") {
        package("native", {"libnative.so", "other.cpython-27m-x86_64-linux-gnu.so"});
        CHECK(sentence() == "import native; not imported: libnative.so");
        package("extension", {"fast.abi3.so"});
        e.write("site/fast.abi3.so", "\x7f"
                                     "ELF PyInit_fast");
        CHECK(clean(e.check(), "fast").sentence.starts_with("import fast failed: ImportError: "));
    }
    SECTION("compiled packages and modules are modules") {
        package("compiled", {"mypyc/__init__.abi3.so", "sourceless.pyc"});
        e.write("site/mypyc/__init__.abi3.so", "PyInit_mypyc");
        CHECK(find(e.check(), "mypyc", "clean"));
        CHECK(find(e.check(), "sourceless", "clean"));
    }
}
