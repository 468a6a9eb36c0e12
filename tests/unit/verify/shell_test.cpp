// When the checks are repeated with the variables of the user's shell: for each thing there that can change an import,
// and for nothing else.
#include "fake_environment.hpp"

#include <algorithm>

using namespace tinderbox;
using namespace tinderbox::verify;

namespace {

// How often "fine" was imported, and what was said of the shell.
class Observed {
  public:
    explicit Observed(const std::string& code = "", const std::string& package = "fine") {
        if (!e.usable()) return;
        e.package(package, fmt::format("open({:?}, 'a').write('x')\n{}", e.at("count").string(), code));
    }
    void check(std::map<std::string, std::string> user) {
        fs::remove(e.at("count"));
        checks = e.check(std::move(user));
        imports = fs::exists(e.at("count")) ? fs::file_size(e.at("count")) : 0;
        const ImportCheck* shell = find(checks, "shell", "user");
        sentence = shell ? shell->sentence : "";
    }
    bool repeated() const { return imports == 2; }
    // A failure of the shell that the clean pass has not.
    const ImportCheck* failure() const {
        const auto found =
            std::ranges::find_if(checks, [](const ImportCheck& c) { return !c.ok && c.environment == "user"; });
        return found == checks.end() ? nullptr : &*found;
    }

    FakeEnvironment e;
    std::vector<ImportCheck> checks;
    std::uintmax_t imports = 0;
    std::string sentence;
};

} // namespace

TEST_CASE("an ordinary shell changes nothing, and nothing is imported twice", "[shell]") {
    Observed o("import os\nos.environ.get('TERM'), os.getenv('FINE'), 'LANG' in os.environ\n");
    if (!o.e.usable()) SKIP("no python3 here");
    const std::string empty = o.e.at("empty").string();
    fs::create_directories(empty);
    o.check({{"TERM", "xterm-256color"},
             {"LANG", "de_DE.UTF-8"},
             {"LS_COLORS", "di=1"},
             {"SSH_TTY", "/dev/pts/1"},
             {"API_KEY", "secret"},
             {"PYTHONDONTWRITEBYTECODE", "1"},
             {"CUDA_HOME", "/usr/local/cuda"}, // nothing here computes on a GPU
             {"PYTHONPATH", empty},
             {"LD_LIBRARY_PATH", "/nowhere:" + empty}});
    CHECK(o.imports == 1);
    CHECK(o.sentence == "your shell's variables change nothing that was imported");
    CHECK(!o.failure());
}

TEST_CASE("each variable that can matter repeats the checks", "[shell]") {
    struct Row {
        const char *code, *name, *value, *reason;
    };
    const Row rows[] = {
        {"import os\nassert os.environ.get('MODE') != 'x'\n", "MODE", "x", "MODE is set"},
        {"import os\nassert os.getenv('MODE') != 'x'\n", "MODE", "x", "MODE is set"},
        {"import os\nassert 'MODE' not in os.environ\n", "MODE", "x", "MODE is set"},
        {"import os\nassert not os.environ.setdefault('MODE', '')\n", "MODE", "x", "MODE is set"},
        {"import os\nassert not [k for k in os.environ if k.startswith('FINE_')]\n", "FINE_MODE", "x",
         "FINE_MODE is set"},
        {"import ctypes\nassert not ctypes.CDLL(None).getenv(b'OMP_NUM_THREADS')\n", "OMP_NUM_THREADS", "many",
         "OMP_NUM_THREADS is set"},
        {"import os\nassert os.environ.get('CUDA_VISIBLE_DEVICES') != ''\n", "CUDA_VISIBLE_DEVICES", "",
         "CUDA_VISIBLE_DEVICES is set"},
        {"import sys\nassert not sys.warnoptions\n", "PYTHONWARNINGS", "error", "PYTHONWARNINGS is set"},
    };
    for (const Row& row : rows) {
        Observed o(row.code);
        if (!o.e.usable()) SKIP("no python3 here");
        o.check({{row.name, row.value}, {"UNRELATED", "1"}});
        INFO(row.name << "\n" << row.code);
        CHECK(o.sentence == fmt::format("tested with your shell's variables as well, because {}", row.reason));
        REQUIRE(o.failure());
        CHECK(o.failure()->name == "fine");
        CHECK(o.failure()->advice == fmt::format("unset {} (it is '{}')", row.name, row.value));
    }
}

TEST_CASE("modules that would come from elsewhere repeat the checks", "[shell]") {
    // An accelerator that is not installed: a broken one in the user's directories would be used.
    Observed o("try:\n    import speedups\nexcept ImportError:\n    pass\n");
    if (!o.e.usable()) SKIP("no python3 here");
    const std::string broken = "raise RuntimeError('built for another Python')\n";
    const std::string base = o.e.at("user base").string(), site = user_site(o.e, base);
    auto file = [](const std::string& path, const std::string& text) {
        fs::create_directories(fs::path(path).parent_path());
        REQUIRE(write_atomically(path, text).ok());
    };
    SECTION("what nothing asks for") {
        file(site + "/unrelated.py", broken);
        o.check({{"PYTHONUSERBASE", base}});
        CHECK(o.imports == 1);
    }
    SECTION("a module that is found nowhere else") {
        file(site + "/speedups.py", broken);
        o.check({{"PYTHONUSERBASE", base}});
        CHECK(o.sentence == fmt::format("tested with your shell's variables as well, because 'speedups' comes from "
                                        "'{}/speedups.py'",
                                        site));
        REQUIRE(o.failure());
        CHECK(o.failure()->sentence == "import fine failed in your shell: RuntimeError: built for another Python");
    }
    SECTION("the same by PYTHONPATH, as a namespace") {
        const std::string elsewhere = TemporaryDirectory::make().value().path().string();
        file(elsewhere + "/speedups/part.py", broken);
        o.check({{"PYTHONPATH", elsewhere}});
        CHECK(o.repeated());
        fs::remove_all(elsewhere);
    }
    SECTION("a .pth file, which runs code") {
        file(site + "/late.pth", "import sys; sys.modules['speedups'] = None; sys.modules['fine'] = None\n");
        o.check({{"PYTHONUSERBASE", base}});
        CHECK(o.sentence.ends_with(fmt::format("because Python reads '{}/late.pth' when it starts", site)));
        CHECK(o.failure());
    }
    SECTION("a usercustomize") {
        file(site + "/usercustomize.py", "import sys\nsys.modules['fine'] = None\n");
        o.check({{"PYTHONUSERBASE", base}});
        CHECK(o.sentence.ends_with(fmt::format("because Python reads '{}/usercustomize.py' when it starts", site)));
        CHECK(o.failure());
    }
    SECTION("a directory of LD_LIBRARY_PATH with a library") {
        file(site + "/libfoo.so.1", "");
        o.check({{"LD_LIBRARY_PATH", "/nowhere:" + site}});
        CHECK(o.sentence.ends_with("because LD_LIBRARY_PATH is set"));
    }
    SECTION("another encoding") {
        o.check({{"LC_ALL", "de_DE.ISO-8859-1"}});
        CHECK(o.sentence.ends_with("because LC_ALL is 'de_DE.ISO-8859-1'"));
        for (const char* same : {"C", "POSIX", "C.UTF-8", "en_GB.utf8", ""}) {
            o.check({{"LANG", same}});
            CHECK(o.imports == 1);
        }
    }
}

TEST_CASE("what is imported of a list, and by which process", "[import]") {
    FakeEnvironment e;
    if (!e.usable()) SKIP("no python3 here");
    auto needs = [&](const std::string& package, const std::string& lines) {
        e.package(package, "");
        e.write("site/" + package + "-1.0.dist-info/METADATA",
                fmt::format("Metadata-Version: 2.1\nName: {}\nVersion: 1.0\n{}\nRequires-Dist: in_the_text\n", package,
                            lines));
    };
    auto sentence = [&] { return find(e.check(), "imports", "clean")->sentence; };
    needs("leaf", "");
    needs("branch", "Requires-Dist: Leaf (>=1)\n");
    needs("root", "Requires-Dist: branch>=1 ; python_version > '3'\nRequires-Dist: tester; extra == 'test'\n");
    needs("tester", "");
    SECTION("a list of everything: what no other package needs") { CHECK(sentence() == "import root, tester"); }
    SECTION("packages that need each other") {
        needs("hen", "Requires-Dist: egg\n");
        needs("egg", "Requires-Dist: hen\n");
        CHECK(sentence() == "import hen, root, tester");
    }
    SECTION("a choice of the person's: all of it") {
        format::PackageInfo dependency;
        dependency.kind = "wheel";
        dependency.name = "dependency";
        e.manifest.packages.push_back(dependency);
        CHECK(sentence() == "import branch, leaf, root, tester");
        e.manifest.packages.back().name = "pip"; // comes with every Python
        CHECK(sentence() == "import root, tester");
    }
    SECTION("records of conda") {
        e.write("conda-meta/leaf-1.0-0.json", R"({"name": "leaf", "depends": ["tester >=1,<2", 7]})");
        e.write("conda-meta/branch-1.0-0.json", "damaged");
        CHECK(sentence() == "import root");
    }
    SECTION("a framework is loaded once, with the packages that need it") {
        e.write(
            "site/torch/__init__.py",
            fmt::format("open({:?}, 'a').write('x')\n__version__ = '9'\nimport types\n"
                        "version = types.SimpleNamespace(cuda=None)\nrand = lambda *s: types.SimpleNamespace(shape=s)\n"
                        "cuda = types.SimpleNamespace(is_available=lambda: False)\n"
                        "ones = lambda *a, **k: None\n"
                        "_y = types.SimpleNamespace(shape=(1, 4, 6, 6), sum=lambda: types.SimpleNamespace(item=lambda: "
                        "3888.0))\n"
                        "nn = types.SimpleNamespace(functional=types.SimpleNamespace(conv2d=lambda x, w: _y))\n",
                        e.at("count").string()));
        needs("torchvision", "Requires-Dist: torch\n");
        e.write("site/torchvision/__init__.py", "import torch\n");
        const auto checks = e.check();
        REQUIRE(find(checks, "torch", "clean"));
        CHECK(find(checks, "torch", "clean")->sentence ==
              "torch 9: torch.rand(5, 3), torch.cuda.is_available() is False, a convolution on the CPU; this torch is "
              "built without CUDA");
        CHECK(fs::file_size(e.at("count")) == 1);
        CHECK(find(checks, "imports", "clean")->sentence == "import root, tester, torchvision");
        CHECK(find(checks, "imports", "clean")->peak_memory > (1u << 20));
        // In company it fails, alone it does not.
        e.write("site/torchvision/__init__.py", "import torch\ntorch.cuda = None\n");
        CHECK(find(e.check(), "torch", "clean")->ok);
        e.write("site/torchvision/__init__.py", "import torch, os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n");
        const auto killed = e.check();
        CHECK(find(killed, "torch", "clean")->ok);
        CHECK(find(killed, "torchvision", "clean")->sentence == "import torchvision failed: killed by SIGSEGV");
    }
}
