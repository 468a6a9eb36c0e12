#include "tests/unit/make_run.hpp"

#include "runtime/install/bytecode.hpp"
#include "runtime/install/integrity.hpp"
#include "runtime/install/registry.hpp"
#include "runtime/install/uninstall.hpp"
#include "runtime/io/faults.hpp"
#include "runtime/place/control_files.hpp"
#include "tests/unit/install/try_install.hpp"

#include <catch2/generators/catch_generators.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iterator>
#include <random>

using namespace tinderbox;
using namespace tinderbox::install;
using namespace tinderbox::place;
using namespace tinderbox::test;

namespace {

// In memory, because tests that sync would wait for whatever else the machine writes.
fs::path memory() { return fs::exists("/dev/shm") && ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : ""; }

struct Bench {
    TemporaryDirectory directory;
    test::RunBuilder builder;
    fs::path run_path = directory.path() / "sample.run";
    fs::path prefix = directory.path() / "target" / "env";

    explicit Bench(std::size_t large_blocks = 3, std::size_t small_files = 400, const fs::path& where = memory())
        : directory(*TemporaryDirectory::make(where)) {
        ::setenv("HOME", directory.path().c_str(), 1);
        test::fill_sample(builder, large_blocks, small_files);
    }
    void write() {
        test::settle_digests(builder, prefix.string());
        builder.write(run_path);
    }
    test::InstallCall options() const {
        test::InstallCall o;
        o.prefix = prefix;
        o.sync = false; // the machine that runs the tests does other things too
        return o;
    }
    Result<InstallSummary> install(const test::InstallCall& call) const {
        return test::try_install(run_path, builder.manifest, call);
    }
    Decision decide(const InstallRequest& request) const { return test::decide(run_path, builder.manifest, request); }
    std::string difference(unsigned mask = 0777) const {
        return test::tree_difference(prefix, builder, prefix.string(), mask);
    }
    // What lies in the directory of the prefix.
    std::set<std::string> beside() const {
        std::set<std::string> names;
        if (!fs::exists(prefix.parent_path())) return names;
        for (const auto& entry : fs::directory_iterator(prefix.parent_path())) names.insert(entry.path().filename());
        return names;
    }
};

void flip(const fs::path& path, std::uint64_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(at));
    char c = static_cast<char>(file.get() ^ 0x40);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(c);
}

// Fails the n-th call of a kind, and every one after it.
class FailFrom : public io::Faults {
  public:
    FailFrom(Call call, int from, int error) : call_(call), from_(from), error_(error) {}
    int before(Call call, std::string_view) override { return call == call_ && ++count_ >= from_ ? error_ : 0; }

  private:
    Call call_;
    int from_, error_;
    std::atomic<int> count_ = 0;
};

} // namespace

TEST_CASE("umask has no say; --private has", "[install]") {
    Bench bench;
    bench.write();
    mode_t before = ::umask(0177);
    auto options = bench.options();
    auto result = bench.install(options);
    INFO(problem(result));
    CHECK(result.ok());
    CHECK(bench.difference() == "");
    REQUIRE(remove_tree(bench.prefix).ok());
    options.private_modes = true;
    result = bench.install(options);
    ::umask(before);
    INFO(problem(result));
    CHECK(result.ok());
    CHECK(bench.difference(0700) == "");
    CHECK((fs::status(bench.prefix).permissions() & fs::perms::mask) == fs::perms(0700));
}

TEST_CASE("what is installed is known afterwards", "[install]") {
    Bench bench;
    bench.write();
    CHECK(!read_state(bench.prefix)->has_value());
    REQUIRE(bench.install(bench.options()).ok());
    auto installed = read_installed(bench.prefix);
    REQUIRE((installed.ok() && installed->has_value()));
    CHECK((*installed)->state.stage == InstallStage::registered);
    CHECK((*installed)->manifest.name == "sample");
    CHECK(record_stage(bench.prefix, InstallStage::verified).ok());
    CHECK(record_stage(bench.prefix, InstallStage::files).ok()); // the stage never goes back
    CHECK(read_state(bench.prefix).value()->stage == InstallStage::verified);

    auto again = bench.install(bench.options());
    REQUIRE(again.ok());
    CHECK(again->already_complete);

    std::ofstream(bench.prefix / "lib/conf.pc") << "changed";
    fs::remove(bench.prefix / "lib/d1/sub/file1.txt");
    fs::permissions(bench.prefix / "bin/tool", fs::perms(0700));
    fs::remove(bench.prefix / "lib/libx.so");
    fs::create_symlink("copy.so", bench.prefix / "lib/libx.so");
    auto check = verify_files(*Directory::open(bench.prefix), {.jobs = 2});
    REQUIRE(check.ok());
    std::map<std::string, std::string> found;
    for (const auto& d : check->differences) found[d.path] = d.what;
    CHECK(found.size() == 4);
    CHECK(found["lib/d1/sub/file1.txt"] == "missing");
    CHECK(found["bin/tool"] == "mode is 700, was 755");
    CHECK(found["lib/conf.pc"].starts_with("is 7 bytes"));
    CHECK(found["lib/libx.so"].starts_with("links to"));
}

TEST_CASE("a damaged installer leaves nothing behind", "[install]") {
    Bench bench(3, 100);
    bench.write();
    auto table = *format::RunFile::open(bench.run_path)->table();
    for (std::size_t i = 0; i < table.blocks.size(); i += 1 + table.blocks.size() / 9) {
        std::uint64_t at = table.blocks[i].offset + table.blocks[i].packed / 2;
        flip(bench.run_path, at);
        auto result = bench.install(bench.options());
        flip(bench.run_path, at);
        CHECK(kind(result) == 4);
        CHECK(problem(result).find(fmt::format("block {} ", i)) != std::string::npos);
        CHECK(!fs::exists(bench.prefix.parent_path()));
    }
    // Inside an existing directory the directory stays as it was.
    fs::create_directories(bench.prefix);
    flip(bench.run_path, table.blocks[0].offset);
    CHECK(kind(bench.install(bench.options())) == 4);
    CHECK(fs::is_empty(bench.prefix));
}

TEST_CASE("a full disk at any call leaves nothing behind", "[install]") {
    Bench bench(2, 60);
    bench.write();
    using Call = io::Faults::Call;
    struct Case {
        Call call;
        int from, error;
    };
    for (bool no_direct : {false, true})
        for (Case c : {Case{Call::make_directory, 1, ENOSPC},
                       {Call::make_directory, 20, EDQUOT},
                       {Call::open, 1, ENOSPC},
                       {Call::open, 300, ENOSPC},
                       {Call::write, 1, ENOSPC},
                       {Call::write, 7, EIO},
                       {Call::write, 50, ENOSPC},
                       {Call::sync, 1, EIO},
                       {Call::rename, 1, EROFS}}) {
            FailFrom faults(c.call, c.from, c.error);
            auto options = bench.options();
            options.faults = &faults;
            options.no_direct = no_direct;
            options.sync = true;
            auto result = bench.install(options);
            INFO(static_cast<int>(c.call) << " " << c.from << " " << problem(result));
            CHECK(kind(result) == 5);
            CHECK(!fs::exists(bench.prefix.parent_path()));
        }
}

TEST_CASE("somebody's files in .tinderbox stay, also when the installation fails or is removed", "[install]") {
    Bench bench;
    bench.write();
    const fs::path notes = bench.prefix / control_directory / "notes.txt";
    fs::create_directories(notes.parent_path());
    std::ofstream(notes) << "mine";
    auto options = bench.options();
    options.allow_existing = true;
    SECTION("a full disk") {
        FailFrom faults(io::Faults::Call::write, 3, ENOSPC);
        options.faults = &faults;
        CHECK(kind(bench.install(options)) == 5);
        CHECK(fs::exists(bench.prefix));
    }
    SECTION("installed, and removed again") {
        REQUIRE(bench.install(options).ok());
        REQUIRE(uninstall(bench.prefix).ok());
    }
    CHECK(*read_text(notes) == "mine");
    std::vector<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator(bench.prefix)) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    CHECK(names == std::vector<std::string>{".tinderbox", "notes.txt"});
}

TEST_CASE("removal does not follow a directory that became a link", "[install]") {
    Bench bench;
    bench.write();
    REQUIRE(bench.install(bench.options()).ok());
    const fs::path other = bench.directory.path() / "other";
    std::vector<std::string> directories;
    const bool purge = GENERATE(false, true);
    for (const auto& entry : fs::directory_iterator(bench.prefix))
        if (entry.is_directory() && !entry.is_symlink() && entry.path().filename() != control_directory)
            directories.push_back(entry.path().filename());
    REQUIRE_FALSE(directories.empty());
    const std::string linked = directories.front();
    fs::create_directories(other);
    fs::rename(bench.prefix / linked, other / linked);
    fs::create_directory_symlink(other / linked, bench.prefix / linked);
    auto count = [&] {
        auto all = fs::recursive_directory_iterator(other);
        return std::distance(fs::begin(all), fs::end(all));
    };
    const auto before = count();
    CHECK_FALSE(verify_files(*Directory::open(bench.prefix))->differences.empty());
    auto gone = uninstall(bench.prefix, {.purge = purge});
    REQUIRE(gone.ok());
    CHECK(count() == before);
    CHECK(fs::is_symlink(bench.prefix / linked) == !purge); // the link is the user's
    if (!purge) CHECK(gone->kept == std::vector<std::string>{linked});
}

TEST_CASE("which prefixes are taken", "[install]") {
    Bench bench(2, 30);
    bench.write();
    SECTION("an empty directory") {
        fs::create_directories(bench.prefix);
        auto result = bench.install(bench.options());
        INFO(problem(result));
        REQUIRE(result.ok());
        CHECK(bench.difference() == "");
        CHECK(!fs::exists(bench.prefix / ".tinderbox/stage"));
        CHECK(fs::exists(bench.prefix / ".tinderbox/state"));
    }
    SECTION("a directory with foreign files only with -u; they stay") {
        fs::create_directories(bench.prefix / "lib");
        std::ofstream(bench.prefix / "lib/mine.txt") << "mine";
        CHECK(kind(bench.install(bench.options())) == 5);
        auto options = bench.options();
        options.allow_existing = true;
        auto result = bench.install(options);
        INFO(problem(result));
        REQUIRE(result.ok());
        CHECK(*read_text(bench.prefix / "lib/mine.txt") == "mine");
        fs::remove(bench.prefix / "lib/mine.txt");
        bench.builder.expected.erase("lib"); // its mode and time are the user's
        CHECK(bench.difference() == "");
    }
    SECTION("no file of the user is replaced") {
        fs::create_directories(bench.prefix / "bin");
        std::ofstream(bench.prefix / "bin/tool") << "mine";
        auto options = bench.options();
        options.allow_existing = true;
        auto result = bench.install(options);
        CHECK(kind(result) == 5);
        CHECK(problem(result).find("bin/tool") != std::string::npos);
        CHECK(*read_text(bench.prefix / "bin/tool") == "mine");
        CHECK(!fs::exists(bench.prefix / ".tinderbox"));
    }
    SECTION("a link where a directory must go") {
        fs::create_directories(bench.prefix);
        fs::create_directories(bench.directory.path() / "elsewhere");
        fs::create_symlink(bench.directory.path() / "elsewhere", bench.prefix / "lib");
        auto options = bench.options();
        options.allow_existing = true;
        CHECK(kind(bench.install(options)) == 5);
        CHECK(fs::is_empty(bench.directory.path() / "elsewhere"));
    }
    SECTION("a file, a dangling link") {
        fs::create_directories(bench.prefix.parent_path());
        std::ofstream(bench.prefix) << "x";
        CHECK(kind(bench.install(bench.options())) == 5);
        fs::remove(bench.prefix);
        fs::create_symlink("nowhere", bench.prefix);
        CHECK(kind(bench.install(bench.options())) == 5);
    }
    SECTION("an existing conda gets envs/NAME") {
        fs::create_directories(bench.prefix / "conda-meta");
        fs::create_directories(bench.prefix / "bin");
        std::ofstream(bench.prefix / "bin/conda") << "conda";
        auto options = bench.options();
        options.allow_existing = true;
        fs::path env = bench.prefix / "envs" / "sample";
        CHECK(bench.decide(options).layout.environment == env);
        test::settle_digests(bench.builder, env.string());
        auto result = bench.install(options);
        INFO(problem(result));
        REQUIRE(result.ok());
        CHECK(result->prefix == env);
        CHECK(test::tree_difference(env, bench.builder, env.string()) == "");
    }
    SECTION("another environment of ours") {
        REQUIRE(bench.install(bench.options()).ok());
        bench.builder.manifest.notices = {"another"};
        bench.builder.write(bench.run_path);
        auto options = bench.options();
        options.allow_existing = true;
        auto result = bench.install(options);
        CHECK(kind(result) == 5);
        CHECK(problem(result).find("another environment") != std::string::npos);
    }
    SECTION("a staging directory that is a link, or open to others") {
        REQUIRE(bench.install(bench.options()).ok());
        REQUIRE(remove_tree(bench.prefix).ok());
        const fs::path stage = bench.decide(bench.options()).stage;
        fs::create_directories(bench.directory.path() / "elsewhere");
        fs::create_symlink(bench.directory.path() / "elsewhere", stage);
        CHECK(kind(bench.install(bench.options())) == 5);
        CHECK(fs::is_empty(bench.directory.path() / "elsewhere"));
        fs::remove(stage);
        fs::create_directory(stage);
        fs::permissions(stage, fs::perms(0777));
        CHECK(kind(bench.install(bench.options())) == 5);
        fs::permissions(stage, fs::perms(0700));
        std::ofstream(stage / "old") << "left by somebody";
        auto result = bench.install(bench.options());
        INFO(problem(result));
        CHECK(result.ok());
        CHECK(bench.difference() == "");
    }
    SECTION("--extract leaves the tree alone") {
        auto options = bench.options();
        options.extract_only = true;
        auto result = bench.install(options);
        REQUIRE(result.ok());
        CHECK(bench.difference() == "");
        CHECK(!fs::exists(bench.prefix / ".tinderbox"));
        CHECK(!bench.install(options).ok());
    }
}

TEST_CASE("a prefix too long for a placeholder is refused before anything is written", "[install]") {
    Bench bench(2, 10);
    std::string old = "/placeholder";
    bench.builder.file("lib/bin.so",
                       bench.builder.content(test::text_bytes(old + "/lib"),
                                             {{.kind = format::RelocKind::cstring, .length = 16, .text = old}}),
                       "?");
    bench.write();
    auto result = bench.install(bench.options());
    CHECK(kind(result) == 2);
    CHECK(!fs::exists(bench.prefix.parent_path()));
}

TEST_CASE("two installers at once", "[install]") {
    Bench bench(6, 300);
    bench.write();
    // Processes, as two people start them: an installation sets the umask of its whole process.
    std::array<pid_t, 2> installers{};
    for (pid_t& child : installers) {
        child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) ::_exit(kind(bench.install(bench.options())));
    }
    int good = 0;
    for (const pid_t child : installers) {
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFEXITED(status));
        if (WEXITSTATUS(status) == 0) ++good;
        else CHECK(WEXITSTATUS(status) == 5);
    }
    CHECK(good > 0);
    CHECK(bench.difference() == "");
}

TEST_CASE("an interruption keeps what was done", "[install]") {
    Bench bench(12, 300);
    bench.write();
    for (bool inside : {false, true}) {
        if (inside) fs::create_directories(bench.prefix);
        std::atomic<bool> interrupted = false;
        auto options = bench.options();
        options.interrupted = &interrupted;
        options.journal_after = options.epoch_seconds = 0;
        options.progress = [&](const InstallProgress& p) { interrupted = interrupted || p.done > p.total / 3; };
        auto result = bench.install(options);
        CHECK(kind(result) == 7);
        options.progress = {};
        interrupted = false;
        result = bench.install(options);
        INFO(problem(result));
        REQUIRE(result.ok());
        CHECK(result->resumed);
        CHECK(bench.difference() == "");
        CHECK(verify_files(*Directory::open(bench.prefix))->differences.empty());
        REQUIRE(remove_tree(bench.prefix).ok());
    }
    // Without a journal record no staging directory is kept.
    std::atomic<bool> at_once = true;
    auto options = bench.options();
    options.interrupted = &at_once;
    CHECK(kind(bench.install(options)) == 7);
    CHECK(!fs::exists(bench.prefix));
    CHECK(bench.beside().empty());
}

TEST_CASE("a journal record after so many bytes", "[install]") {
    Bench bench(6, 50);
    bench.write();
    class Count : public io::Faults {
      public:
        int before(Call call, std::string_view) override { return call == Call::sync ? (++syncs, 0) : 0; }
        std::atomic<int> syncs = 0;
    };
    auto syncs = [&](std::uint64_t bytes, double after) {
        Count count;
        auto options = bench.options();
        options.epoch_seconds = 1000;
        options.epoch_bytes = bytes;
        options.journal_after = after;
        options.faults = &count;
        options.jobs = 2;
        auto result = bench.install(options);
        INFO(problem(result));
        REQUIRE(result.ok());
        REQUIRE(remove_tree(bench.prefix).ok());
        return count.syncs.load();
    };
    const int without = syncs(1ull << 40, 0);
    CHECK(syncs(format::block_raw_size, 0) > without);
    CHECK(syncs(format::block_raw_size, 1000) == without); // short work needs no journal
}

TEST_CASE("killed anywhere, run again", "[install][kill]") {
    Bench bench(10, 300);
    bench.write();
    std::mt19937 random(42);
    for (int round = 0; round < 3; ++round) {
        const bool inside = round % 3 == 2;
        if (inside) fs::create_directories(bench.prefix);
        int kills = 0;
        for (; kills < 15; ++kills) {
            KilledAt killed(1 + static_cast<int>(random() % 1000));
            pid_t child = ::fork();
            if (child == 0) {
                auto options = bench.options();
                options.journal_after = 0;
                options.epoch_seconds = 0.004;
                options.no_uring = round % 2;
                options.faults = &killed;
                ::_exit(bench.install(options).ok() ? 0 : 1);
            }
            int status = 0;
            ::waitpid(child, &status, 0);
            CHECK((WIFSIGNALED(status) || status == 0));
            // An existing prefix is always whole.
            if (!inside && fs::exists(bench.prefix)) CHECK(bench.difference() == "");
            if (inside && fs::exists(bench.prefix / ".tinderbox/state")) CHECK(bench.difference() == "");
            if (WIFEXITED(status)) break;
        }
        auto result = bench.install(bench.options());
        INFO("round " << round << ", " << kills << " kills: " << problem(result));
        REQUIRE(result.ok());
        CHECK(bench.difference() == "");
        CHECK(verify_files(*Directory::open(bench.prefix))->differences.empty());
        CHECK(bench.beside() == std::set<std::string>{"env"});
        CHECK(!fs::exists(bench.prefix / ".tinderbox/stage"));
        REQUIRE(remove_tree(bench.prefix).ok());
    }
}

namespace {

// A power cut: what was written since the last sync is gone, then the process dies.
class PowerCut : public io::Faults {
  public:
    PowerCut(fs::path tree, int after) : tree_(std::move(tree)), after_(after) {}
    int before(Call call, std::string_view path) override {
        std::lock_guard lock(mutex_);
        if (call == Call::sync) unsynced_.clear();
        if (call == Call::open) {
            unsynced_.emplace_back(path);
            if (--after_ == 0) {
                for (const std::string& name : unsynced_) ::truncate((tree_ / name).c_str(), 0);
                ::_exit(99);
            }
        }
        return 0;
    }

  private:
    fs::path tree_;
    int after_;
    std::mutex mutex_;
    std::vector<std::string> unsynced_;
};

} // namespace

TEST_CASE("writes that were not synced may be lost", "[install][kill]") {
    Bench bench(4, 300);
    bench.write();
    const fs::path stage = bench.decide(bench.options()).stage;
    for (int after : {20, 300, 600, 850}) {
        pid_t child = ::fork();
        if (child == 0) {
            PowerCut faults(stage, after);
            auto options = bench.options();
            options.journal_after = options.epoch_seconds = 0;
            options.faults = &faults;
            ::_exit(bench.install(options).ok() ? 0 : 1);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        CHECK(WEXITSTATUS(status) == 99);
        auto result = bench.install(bench.options());
        INFO(after << " " << problem(result));
        REQUIRE(result.ok());
        if (after > 20) CHECK(result->resumed); // before the first record there is nothing to go on with
        CHECK(bench.difference() == "");
        REQUIRE(remove_tree(bench.prefix).ok());
    }
}

TEST_CASE("the list of installed files", "[records]") {
    std::vector<InstalledRow> rows = {
        {.kind = 'f', .sha256 = sha256({}), .size = 12, .mode = 0644, .path = "b with space", .link = {}},
        {.kind = 'd', .mode = 0755, .path = "a", .link = {}},
        {.kind = 'l', .sha256 = sha256({}), .size = 3, .mode = 0777, .path = "c", .link = "a b"}};
    std::string text = installed_text(rows);
    auto parsed = parse_installed(text);
    REQUIRE(parsed.ok());
    CHECK(parsed->size() == 3);
    CHECK(installed_text(*parsed) == text);
    CHECK((*parsed)[1].path == "b with space");
    for (std::string bad :
         {"", "x\n", "tinderbox-installed 2\n", "tinderbox-installed 1\nf\n", "tinderbox-installed 1\nd - - 755 ../x\n",
          "tinderbox-installed 1\nd - - 755 /x\n", "tinderbox-installed 1\nd - - 755 x"})
        CHECK(!parse_installed(bad).ok());
}

TEST_CASE("scripts run with the package's variables; a failure is told and repeated", "[install]") {
    Bench bench(2, 10);
    std::string ok = "echo \"$PREFIX|$PKG_NAME|$PKG_VERSION|$PKG_BUILDNUM\" > \"$PREFIX/said\"; echo talk\n";
    bench.builder.file("bin/.one-post-link.sh", test::text_bytes(ok), 0755);
    bench.builder.file("bin/.two-post-link.sh", test::text_bytes("test -e \"$PREFIX/allow\" || exit 3\n"), 0755);
    bench.builder.manifest.scripts = {{"one", "1.0", "4", "bin/.one-post-link.sh"},
                                      {"two", "2.0", "0", "bin/.two-post-link.sh"}};
    bench.write();
    auto result = bench.install(bench.options());
    INFO(problem(result));
    REQUIRE(result.ok());
    REQUIRE(result->script_failure);
    CHECK(result->script_failure->kind == ErrorKind::script);
    CHECK(*read_text(bench.prefix / "said") == bench.prefix.string() + "|one|1.0|4\n");
    CHECK(read_text(bench.prefix / ".tinderbox/log")->find("talk") != std::string::npos);
    CHECK(read_state(bench.prefix).value()->stage == InstallStage::files);
    std::ofstream(bench.prefix / "allow") << "";
    result = bench.install(bench.options());
    REQUIRE(result.ok());
    CHECK(!result->script_failure);
    CHECK(result->resumed);
    CHECK(read_state(bench.prefix).value()->stage == InstallStage::registered);
}

TEST_CASE("conda's list of environments", "[install]") {
    Bench bench(2, 10);
    bench.builder.directory("conda-meta");
    bench.builder.file("conda-meta/history", test::text_bytes("==> now <==\n"));
    bench.write();
    fs::create_directories(bench.directory.path() / ".conda");
    fs::path list = bench.directory.path() / ".conda/environments.txt";
    std::ofstream(list) << "/somewhere/else";
    REQUIRE(bench.install(bench.options()).ok());
    CHECK(*read_text(list) == "/somewhere/else\n" + bench.prefix.string() + "\n");
    CHECK(!*register_environment(bench.prefix)); // once
    auto gone = uninstall(bench.prefix);
    REQUIRE(gone.ok());
    CHECK(gone->kept.empty());
    CHECK(!fs::exists(bench.prefix));
    CHECK(*read_text(list) == "/somewhere/else\n");
}

TEST_CASE("uninstall keeps what the user added or changed", "[install]") {
    Bench bench(2, 30);
    bench.write();
    REQUIRE(bench.install(bench.options()).ok());
    std::ofstream(bench.prefix / "lib/mine.txt") << "mine";
    std::ofstream(bench.prefix / "lib/conf.pc") << "changed";
    auto gone = uninstall(bench.prefix);
    REQUIRE(gone.ok());
    CHECK(gone->kept == std::vector<std::string>{"lib/conf.pc", "lib/mine.txt"});
    CHECK(*read_text(bench.prefix / "lib/mine.txt") == "mine");
    CHECK(!uninstall(bench.prefix).ok());
    REQUIRE(remove_tree(bench.prefix).ok());
    REQUIRE(bench.install(bench.options()).ok());
    std::ofstream(bench.prefix / "lib/mine.txt") << "mine";
    REQUIRE(uninstall(bench.prefix, {.purge = true}).ok());
    CHECK(!fs::exists(bench.prefix));
}

TEST_CASE("bytecode that only the target can make", "[install]") {
    if (std::system("python3 -c 'import py_compile' >/dev/null 2>&1") != 0) SKIP("no python3");
    Bench bench(2, 10);
    // The machine's own interpreter stands in for the environment's.
    bench.builder.manifest.python = format::PythonInfo{.version = "3",
                                                       .implementation = "cpython",
                                                       .executable = "bin/python",
                                                       .site_packages = "lib/site-packages",
                                                       .stdlib = "lib/py",
                                                       .cache_tag = ""};
    bench.builder.manifest.bytecode = "install";
    bench.builder.file("lib/site-packages/good.py", test::text_bytes("x = 1\n"));
    bench.builder.file("lib/site-packages/bad.py", test::text_bytes("x = = 1\n"));
    bench.builder.file("lib/site-packages/data.txt", test::text_bytes("x\n"));
    bench.builder.file("bin/python", test::text_bytes("#!/bin/sh\nexec python3 \"$@\"\n"), 0755);
    bench.write();
    auto result = bench.install(bench.options());
    INFO(problem(result));
    REQUIRE(result.ok());
    CHECK(result->warnings.empty());
    CHECK(result->bytecode_files == 1);
    auto check = verify_files(*Directory::open(bench.prefix));
    CHECK(check->differences.empty());
    bool listed = read_text(bench.prefix / ".tinderbox/installed")->find("\nc ") != std::string::npos;
    CHECK(listed);
    auto gone = uninstall(bench.prefix);
    REQUIRE(gone.ok());
    CHECK(gone->kept.empty());
}
