// Captures interpreters of this machine, writes each under a long prefix with a space, and runs it there.
#include "common/base/process.hpp"
#include "common/format/relocate.hpp"
#include "generator/parcel/scan.hpp"
#include "tests/unit/capture/materialize.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <set>

using namespace tinderbox;
using namespace tinderbox::capture;
using nlohmann::json;

namespace {

// Every interpreter that can be found: those of pyenv, if it is installed, and /usr/bin/python3.
std::vector<fs::path> pyenv_pythons() {
    std::vector<fs::path> out;
    ProcessSpec spec;
    spec.argv = {"pyenv", "root"};
    auto root = run_process(spec);
    if (!root.ok() || !root->succeeded()) return out;
    std::error_code ec;
    for (const auto& version : fs::directory_iterator(fs::path(std::string(trim(root->output))) / "versions", ec))
        if (fs::exists(version.path() / "bin" / "python3", ec)) out.push_back(version.path());
    std::sort(out.begin(), out.end());
    return out;
}

std::optional<fs::path> pyenv_python(const std::string& version) {
    for (const fs::path& path : pyenv_pythons())
        if (path.filename().string().starts_with(version)) return path;
    return std::nullopt;
}

struct Run {
    int code = -1;
    std::string output;
    std::set<std::string> opened; // with `trace` only
};

Run run(std::vector<std::string> argv, const fs::path& directory, bool trace = false) {
    ProcessSpec spec;
    fs::path log = directory / "strace.log";
    if (trace) {
        std::vector<std::string> strace{"strace", "-f", "-qq", "-e", "trace=open,openat,execve", "-o", log.string()};
        argv.insert(argv.begin(), strace.begin(), strace.end());
    }
    spec.argv = std::move(argv);
    spec.clear_environment = true;
    spec.set = {{"PATH", "/usr/bin:/bin"}};
    spec.directory = directory.string();
    spec.merge_stderr = true;
    spec.timeout_seconds = 120;
    auto result = run_process(spec);
    Run out;
    if (!result.ok()) return out;
    out.code = result->exit_code;
    out.output = result->output;
    if (auto text = read_text(log); trace && text.ok())
        for (std::string_view line : split_lines(*text)) {
            auto first = line.find('"');
            auto last = line.find('"', first + 1);
            if (last != std::string_view::npos && line.find("ENOENT") == line.npos)
                out.opened.emplace(line.substr(first + 1, last - first - 1));
        }
    return out;
}

bool have_strace() { return run({"strace", "-V"}, "/").code == 0; }

// Long and with a space: a prefix of the old length without a space would hide mistakes.
fs::path long_prefix(const fs::path& base) { return base / ("a long prefix " + std::string(120, 'x')) / "env"; }

constexpr const char* check = R"(
import ssl, sqlite3, ctypes, hashlib, lzma, bz2, zlib, decimal, json, sys, sysconfig, os, uuid
prefix = sys.argv[1]
hashlib.sha256(b'x'); sqlite3.connect(':memory:').execute('select 1'); lzma.compress(b'x')
assert sys.prefix == prefix, sys.prefix
assert sys.base_exec_prefix == prefix, sys.base_exec_prefix
for name, path in sysconfig.get_paths().items():
    assert path.startswith(prefix + '/') or path == prefix, (name, path)
assert sysconfig.get_paths()['purelib'] == prefix + '/' + sys.argv[2], sysconfig.get_paths()
assert prefix + '/' + sys.argv[2] in [os.path.realpath(p) for p in sys.path], sys.path
for path in sys.path:
    assert path == '' or path.startswith(prefix + '/'), path
for name in ('LIBDEST', 'INCLUDEPY', 'BINDIR', 'LIBPL'):
    value = sysconfig.get_config_var(name)
    assert value.startswith(prefix + '/'), (name, value)
print('fine')
)";

enum class Venv { no, without_pip, with_pip };

void check_moved(const fs::path& python, Venv with_venv) {
    auto captured = capture_python(python);
    INFO(python.string());
    REQUIRE((captured.ok() ? "" : captured.error().message) == "");
    const parcel::Artifact& artifact = **captured;
    const json& m = artifact.metadata();
    INFO(m["not_relocatable"].dump(1) << m["left_out"].dump(1));
    CHECK(m["not_relocatable"].empty());
    auto temporary = TemporaryDirectory::make();
    REQUIRE(temporary.ok());
    fs::path prefix = long_prefix(temporary->path());
    materialize(artifact, prefix);
    bool trace = have_strace();
    std::string executable = (prefix / m["python"]["executable"].get<std::string>()).string();
    std::string site_packages = m["python"]["site_packages"];
    Run ran = run({executable, "-c", check, prefix.string(), site_packages}, temporary->path(), trace);
    CHECK(ran.output == "fine\n");
    CHECK(ran.code == 0);
    std::string old = fs::canonical((*captured)->source()).parent_path().parent_path().string();
    for (const std::string& file : ran.opened) {
        INFO(file);
        if (old == "/usr") CHECK_FALSE((file.starts_with("/usr/lib/python") || file.starts_with("/usr/bin/python")));
        else CHECK_FALSE(file.starts_with(old + "/"));
    }
    if (with_venv == Venv::no) return;
    fs::path venv = temporary->path() / "venv";
    std::vector<std::string> make{executable, "-m", "venv", venv.string()};
    if (with_venv == Venv::without_pip) make.push_back("--without-pip");
    ran = run(make, temporary->path());
    INFO(ran.output);
    CHECK(ran.code == 0);
    if (with_venv == Venv::without_pip) {
        ran = run({(venv / "bin/python").string(), "-c", "import sys; print(sys.prefix, sys.base_prefix)"},
                  temporary->path());
        CHECK(ran.output == venv.string() + " " + prefix.string() + "\n");
        return;
    }
    ran = run({(venv / "bin/python").string(), "-m", "pip", "--version"}, temporary->path());
    INFO(ran.output);
    CHECK(ran.code == 0);
    CHECK(ran.output.find(venv.string()) != std::string::npos);
}

} // namespace

TEST_CASE("a pyenv Python works under another prefix") {
    auto python = pyenv_python("3.11");
    if (!python) SKIP("there is no pyenv 3.11");
    check_moved(*python, Venv::without_pip);
}

TEST_CASE("the system's Python works under another prefix") {
    if (!fs::exists("/usr/bin/python3")) SKIP("there is no /usr/bin/python3");
    check_moved("/usr/bin/python3", Venv::without_pip);
    if (!fs::exists("/usr/share/python-wheels")) return;
    auto captured = capture_python("/usr/bin/python3");
    auto temporary = TemporaryDirectory::make();
    REQUIRE(captured.ok());
    REQUIRE(temporary.ok());
    fs::path prefix = temporary->path() / "env";
    materialize(**captured, prefix);
    Run ran = run({(prefix / "bin/python3").string(), "-m", "ensurepip", "--root", "/"}, temporary->path());
    INFO(ran.output);
    CHECK(ran.code == 0);
    CHECK(run({(prefix / "bin/pip3").string(), "--version"}, temporary->path()).output.find(prefix.string()) !=
          std::string::npos);
}

// Takes half a minute, so it is not part of the default run.
TEST_CASE("every pyenv Python works under another prefix", "[.all]") {
    for (const fs::path& python : pyenv_pythons()) {
        if (python.filename().string().starts_with("2.")) continue;
        check_moved(python, Venv::with_pip);
    }
}

TEST_CASE("what a captured Python consists of") {
    auto python = pyenv_python("3.11");
    if (!python) SKIP("there is no pyenv 3.11");
    auto captured = capture_python(*python / "bin" / "python");
    REQUIRE(captured.ok());
    const parcel::Artifact& a = **captured;
    CHECK(entry(a, "bin/python3.11")->kind == format::EntryKind::file);
    CHECK(entry(a, "bin/python3")->link == "python3.11");
    CHECK(entry(a, "bin/python")->link == "python3.11");
    CHECK(entry(a, "lib/libpython3.11.so.1.0"));
    CHECK(entry(a, "lib/python3.11/ensurepip/__init__.py"));
    CHECK(entry(a, "lib/python3.11/site-packages")->kind == format::EntryKind::directory);
    CHECK(entry(a, "include/python3.11/Python.h"));
    CHECK_FALSE(entry(a, "bin/pip"));
    CHECK_FALSE(entry(a, "lib/python3.11/test/__init__.py"));
    for (const parcel::Entry& e : a.entries()) {
        CHECK_FALSE(e.path.ends_with(".pyc"));
        CHECK_FALSE(e.path.ends_with(".a"));
        CHECK_FALSE(e.path.starts_with("lib/python3.11/site-packages/"));
        CHECK(e.prefix_mode != parcel::PrefixMode::binary); // such an entry would limit the prefix's length
    }
    const json& m = a.metadata();
    CHECK(m["kind"] == "python");
    CHECK(m["python"]["executable"] == "bin/python3.11");
    CHECK(m["python"]["site_packages"] == "lib/python3.11/site-packages");
    CHECK(m["python"]["cache_tag"] == "cpython-311");
    CHECK(m["python"]["gil"] == true);
    std::set<std::string> libraries;
    for (const json& l : m["libraries"]) libraries.insert(l["name"]);
    CHECK(libraries.contains("libssl.so.3"));
    CHECK_FALSE(libraries.contains("libc.so.6"));
    CHECK_FALSE(libraries.contains("libpython3.11.so.1.0"));
    CHECK(m["glibc"]["version"].get<std::string>().starts_with("2."));
    CHECK(m["licenses"][0]["text"].get<std::string>().find("PYTHON SOFTWARE FOUNDATION LICENSE") != std::string::npos);
    CHECK(m.dump().find(python->string()) == std::string::npos);
    auto again = capture_python(*python);
    REQUIRE(again.ok());
    CHECK((*again)->sha256() == (*captured)->sha256());
}

TEST_CASE("the packer's and the runtime's relocations do what the plain ones of these tests do") {
    if (!fs::exists("/usr/bin/python3")) SKIP("there is no /usr/bin/python3");
    auto captured = capture_python("/usr/bin/python3");
    REQUIRE(captured.ok());
    const std::string prefix = "/opt/new prefix";
    std::size_t relocated_files = 0;
    for (std::size_t i = 0; i < (*captured)->entries().size(); ++i) {
        const parcel::Entry& e = (*captured)->entries()[i];
        if (e.kind != format::EntryKind::file || (e.prefix_mode == parcel::PrefixMode::none && e.shebang.empty()))
            continue;
        INFO(e.path);
        std::string content = content_of(**captured, i);
        CHECK(content.size() == e.size);
        CHECK(to_hex(sha256(as_bytes(content))) == e.sha256);
        auto relocs = parcel::find_relocations(as_bytes(content), e.prefix_mode, e.placeholder, e.shebang);
        auto moved = format::apply_relocations(as_bytes(content), relocs, prefix);
        REQUIRE(moved.ok());
        CHECK(as_text(*moved) == relocated(e, content, prefix));
        ++relocated_files;
    }
    CHECK(relocated_files >= 2);
}

TEST_CASE("a name in PATH, a shim and a venv lead to the interpreter behind them") {
    ProcessSpec spec;
    spec.argv = {"python3", "-c", "import sys; print(sys.base_prefix, '%d.%d.%d' % sys.version_info[:3])"};
    auto ran = run_process(spec);
    if (!ran.ok() || !ran->succeeded()) SKIP("there is no python3");
    std::string prefix(trim(ran->output).substr(0, trim(ran->output).find(' ')));
    auto captured = capture_python("python3");
    REQUIRE(captured.ok());
    CHECK((*captured)->source().starts_with(fs::canonical(prefix).string() + "/bin/"));
    CHECK(trim(ran->output).ends_with(" " + (*captured)->metadata()["version"].get<std::string>()));
    auto temporary = TemporaryDirectory::make();
    REQUIRE(temporary.ok());
    fs::path venv = temporary->path() / "venv";
    REQUIRE(run({prefix + "/bin/python3", "-m", "venv", "--without-pip", "--copies", venv.string()}, "/").code == 0);
    auto through = capture_python(venv);
    REQUIRE(through.ok());
    CHECK((*through)->source() == (*captured)->source());
    CHECK((*through)->sha256() == (*captured)->sha256());
    // A launcher may print before and after, and may leave a process behind.
    fs::path launcher = temporary->path() / "launcher";
    std::ofstream(launcher) << "#!/bin/sh\nsleep 41 &\necho 'Loading {'\n'" << prefix
                            << "/bin/python3' \"$@\"\necho done\n";
    fs::permissions(launcher, fs::perms::owner_all);
    auto launched = capture_python(launcher);
    REQUIRE(launched.ok());
    CHECK((*launched)->sha256() == (*captured)->sha256());
}

// The Python was built for another prefix than its directory (python-build-standalone's is /install).
TEST_CASE("the build's own prefix is relocated in what describes the build", "[.all]") {
    auto python = pyenv_python("3.11");
    if (!python) SKIP("there is no pyenv 3.11");
    auto captured = capture_python(*python);
    REQUIRE(captured.ok());
    auto temporary = TemporaryDirectory::make();
    REQUIRE(temporary.ok());
    fs::path moved = temporary->path() / "standalone";
    materialize(**captured, moved);
    for (const auto& file : fs::directory_iterator(moved / "lib/python3.11"))
        if (file.path().filename().string().starts_with("_sysconfigdata")) {
            std::string text = replace_all(read_text(file.path()).value(), moved.string(), "/install");
            std::ofstream(file.path()) << text;
        }
    check_moved(moved, Venv::without_pip);
}

TEST_CASE("what cannot be captured is refused in a sentence") {
    auto message = [](const fs::path& path) {
        auto r = capture_python(path);
        REQUIRE_FALSE(r.ok());
        CHECK(r.error().kind == ErrorKind::usage);
        return r.error().message;
    };
    auto temporary = TemporaryDirectory::make();
    REQUIRE(temporary.ok());
    CHECK(message(temporary->path() / "none").find("does not exist") != std::string::npos);
    CHECK(message(temporary->path()).find("has no bin/python3") != std::string::npos);
    CHECK(message("/bin/true").find("is not a usable Python") != std::string::npos);
    CHECK(message("/bin/false").find("exit status 1") != std::string::npos);
}
