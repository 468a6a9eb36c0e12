#include "tests/unit/make_run.hpp"

#include "runtime/install/repair.hpp"
#include "runtime/io/faults.hpp"
#include "tests/unit/install/try_install.hpp"

#include <unistd.h>

#include <cstdlib>

using namespace tinderbox;
using namespace tinderbox::install;
using namespace tinderbox::test;

namespace {

struct InstalledTree {
    TemporaryDirectory directory = *TemporaryDirectory::make();
    test::RunBuilder builder;
    fs::path run_path = directory.path() / "sample.run", prefix = directory.path() / "env";
    test::InstallCall options;

    explicit InstalledTree(bool private_modes = false) {
        ::setenv("HOME", directory.path().c_str(), 1);
        test::fill_sample(builder, 2, 60);
        test::settle_digests(builder, prefix.string());
        builder.write(run_path);
        options.prefix = prefix;
        options.sync = false;
        options.private_modes = private_modes;
        auto result = test::try_install(run_path, builder.manifest, options);
        INFO((result.ok() ? "" : result.error().message));
        REQUIRE(result.ok());
    }
    Result<RepairSummary> repair(io::Faults* faults = nullptr) const {
        auto run = format::RunFile::open(run_path);
        REQUIRE(run.ok());
        TRY_ASSIGN(place::Installed installed,
                   place::find_installed(builder.manifest, to_hex(run->manifest_sha256()), prefix, place::Trust::now(),
                                         place::Access::write));
        InstallOptions how = options;
        how.private_modes = false; // found out from what is there
        how.faults = faults;
        return repair_files(*run, builder.manifest, installed, how);
    }
    void overwrite(const std::string& path, std::string_view text) const {
        REQUIRE(fs::remove(prefix / path));
        std::ofstream(prefix / path) << text;
    }
    std::string difference(unsigned mask = 0777) const {
        auto check = verify_files(*Directory::open(prefix));
        if (!check.ok()) return check.error().message;
        if (!check->differences.empty()) return check->differences.front().path + " " + check->differences.front().what;
        return test::tree_difference(prefix, builder, prefix.string(), mask);
    }
};

class FailSecondRename : public io::Faults {
  public:
    int before(Call call, std::string_view) override { return call == Call::rename && ++count_ == 2 ? EIO : 0; }

  private:
    int count_ = 0;
};

} // namespace

TEST_CASE("a tree that was moved is written for its new place", "[repair]") {
    for (bool copied : {false, true}) {
        InstalledTree env;
        const fs::path old = env.prefix;
        const fs::path list = env.directory.path() / ".conda/environments.txt";
        fs::create_directories(list.parent_path());
        std::ofstream(list) << old.string() << "\n";
        env.prefix = env.directory.path() / "a new place";
        if (copied) fs::copy(old, env.prefix, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
        else fs::rename(old, env.prefix);
        fs::create_directories(env.prefix / "bin");
        std::ofstream(env.prefix / "bin/added") << "#!" << old.string() << "/bin/python\n";
        env.options.prefix = env.prefix;
        auto again = test::try_install(env.run_path, env.builder.manifest, env.options);
        REQUIRE(!again.ok());
        CHECK(again.error().kind == ErrorKind::storage);
        CHECK(again.error().message.find("--repair") != std::string::npos);

        FailSecondRename fail;
        CHECK(!env.repair(&fail).ok());
        CHECK(place::read_state(env.prefix).value()->prefix == old); // half is not whole
        auto repaired = env.repair();
        INFO((repaired.ok() ? "" : repaired.error().message));
        REQUIRE(repaired.ok());
        CHECK(repaired->moved_from == old);
        CHECK(repaired->left.empty());
        REQUIRE(repaired->warnings.size() == 1);
        CHECK(repaired->warnings[0].find("bin/added") != std::string::npos);
        CHECK(place::read_state(env.prefix).value()->prefix == env.prefix);
        CHECK(verify_files(*Directory::open(env.prefix))->differences.empty());
        CHECK(read_text(env.prefix / "lib/conf.pc")->find(env.prefix.string()) != std::string::npos);
        CHECK(!env.repair()->moved_from);
        CHECK(test::try_install(env.run_path, env.builder.manifest, env.options)->already_complete);
    }
}

TEST_CASE("nothing to repair changes nothing", "[repair]") {
    InstalledTree env;
    auto repaired = env.repair();
    INFO((repaired.ok() ? "" : repaired.error().message));
    REQUIRE(repaired.ok());
    CHECK(repaired->restored.empty());
    CHECK(repaired->files > 600);
    CHECK(env.difference() == "");
}

TEST_CASE("damaged and missing files come back, the user's stay", "[repair]") {
    for (bool private_modes : {false, true}) {
        InstalledTree env(private_modes);
        const unsigned mask = private_modes ? 0700 : 0777;
        env.overwrite("lib/large.so", "cut");
        env.overwrite("lib/conf.pc", "prefix=elsewhere"); // relocated
        env.overwrite("lib/meta.json", "{}");             // a hash of a hash
        REQUIRE(fs::remove(env.prefix / "lib/RECORD"));
        REQUIRE(fs::remove(env.prefix / "lib/libx.so"));
        REQUIRE(fs::remove(env.prefix / "bin/abs"));
        fs::create_symlink("/nowhere", env.prefix / "bin/abs");
        REQUIRE(::chmod((env.prefix / "bin/tool").c_str(), 0600) == 0);
        REQUIRE(::chmod((env.prefix / "empty").c_str(), 0750) == 0);
        fs::remove_all(env.prefix / "lib/d3");                  // a directory with all in it
        REQUIRE(fs::remove(env.prefix / "lib/e5/__init__.py")); // an empty file
        std::ofstream(env.prefix / "lib/mine.txt") << "mine";
        fs::create_directory(env.prefix / "mine");
        std::ofstream(env.prefix / "mine/too.txt") << "mine";
        auto repaired = env.repair();
        INFO((repaired.ok() ? "" : repaired.error().message));
        REQUIRE(repaired.ok());
        CHECK(repaired->left.empty());
        for (const char* path : {"lib/large.so", "lib/conf.pc", "lib/RECORD", "lib/libx.so", "bin/abs", "bin/tool",
                                 "empty/", "lib/d3/", "lib/e5/__init__.py"})
            CHECK(std::ranges::find(repaired->restored, path) != repaired->restored.end());
        // What may be somebody's edit is kept beside; what is missing, or has another mode, is no edit.
        CHECK(repaired->kept == std::vector<std::string>{"bin/abs.tinderbox-old", "lib/conf.pc.tinderbox-old",
                                                         "lib/large.so.tinderbox-old", "lib/meta.json.tinderbox-old"});
        CHECK(*read_text(env.prefix / "lib/conf.pc.tinderbox-old") == "prefix=elsewhere");
        CHECK(fs::read_symlink(env.prefix / "bin/abs.tinderbox-old") == "/nowhere");
        for (const std::string& path : repaired->kept) REQUIRE(fs::remove(env.prefix / path));
        // What was whole was not written again.
        CHECK(std::ranges::find(repaired->restored, "lib/copy.so") == repaired->restored.end());
        CHECK(*read_text(env.prefix / "lib/mine.txt") == "mine");
        CHECK(*read_text(env.prefix / "mine/too.txt") == "mine");
        REQUIRE(fs::remove(env.prefix / "lib/mine.txt"));
        fs::remove_all(env.prefix / "mine");
        // Times of directories are those of the repair.
        for (auto& [path, entry] : env.builder.expected) {
            if (entry.kind != format::EntryKind::directory) continue;
            struct stat st;
            REQUIRE(::stat((env.prefix / path).c_str(), &st) == 0);
            entry.mtime = st.st_mtime;
        }
        CHECK(env.difference(mask) == "");
        CHECK_FALSE(fs::exists(env.prefix / ".tinderbox/repair"));
        CHECK(env.repair()->restored.empty());
    }
}

TEST_CASE("an edited file is kept beside the restored one, as often as it is edited", "[repair]") {
    InstalledTree env;
    const fs::path file = env.prefix / "lib/conf.pc", old = file.string() + ".tinderbox-old";
    env.overwrite("lib/conf.pc", "first");
    REQUIRE(env.repair().ok());
    env.overwrite("lib/conf.pc", "second");
    FailSecondRename fail;
    env.overwrite("lib/meta.json", "{}");
    REQUIRE_FALSE(env.repair(&fail).ok()); // the first was restored, the second was kept and not yet replaced
    auto repaired = env.repair();
    REQUIRE(repaired.ok());
    CHECK(repaired->kept == std::vector<std::string>{"lib/meta.json.tinderbox-old"});
    CHECK(*read_text(old) == "first");
    CHECK(*read_text(old.string() + "-2") == "second");
    CHECK_FALSE(fs::exists(env.prefix / "lib/meta.json.tinderbox-old-2"));
    // Without the list a file of which nobody knows what it was is compared with the one that comes.
    env.overwrite("lib/meta.json", "edited");
    std::ofstream(env.prefix / ".tinderbox/installed") << "";
    repaired = env.repair();
    REQUIRE(repaired.ok());
    CHECK(repaired->kept == std::vector<std::string>{"lib/meta.json.tinderbox-old-2"});
}

TEST_CASE("what Tinderbox knows of the prefix is restored as well", "[repair]") {
    InstalledTree env;
    const std::string list = *read_text(env.prefix / ".tinderbox/installed");
    for (std::string damaged : {std::string(), std::string("rubbish"), list.substr(0, list.size() / 2),
                                list.substr(0, list.find('\n', list.size() / 2) + 1)}) {
        std::ofstream(env.prefix / ".tinderbox/installed") << damaged;
        std::ofstream(env.prefix / ".tinderbox/manifest.json") << "{";
        fs::remove(env.prefix / ".tinderbox/stub");
        auto repaired = env.repair();
        INFO((repaired.ok() ? "" : repaired.error().message));
        REQUIRE(repaired.ok());
        CHECK(*read_text(env.prefix / ".tinderbox/installed") == list);
        CHECK(repaired->kept.empty());
        CHECK(fs::exists(env.prefix / ".tinderbox/stub"));
        REQUIRE(place::read_installed(env.prefix).ok());
        CHECK(verify_files(*Directory::open(env.prefix))->differences.empty());
    }
}

TEST_CASE("what is in the way is named and kept", "[repair]") {
    InstalledTree env;
    REQUIRE(fs::remove(env.prefix / "lib/conf.pc"));
    fs::create_directory(env.prefix / "lib/conf.pc");
    std::ofstream(env.prefix / "lib/conf.pc/mine") << "mine";
    // A directory that the user moved to another disk.
    const fs::path elsewhere = env.directory.path() / "elsewhere";
    fs::rename(env.prefix / "lib/d4", elsewhere);
    fs::create_symlink(elsewhere, env.prefix / "lib/d4");
    for (const auto& entry : fs::directory_iterator(elsewhere / "sub")) std::ofstream(entry.path()) << "changed";
    auto repaired = env.repair();
    REQUIRE(repaired.ok());
    REQUIRE(repaired->left.size() == 2);
    CHECK(repaired->left[0].path == "lib/d4");
    CHECK(repaired->left[1].path == "lib/conf.pc");
    CHECK(*read_text(env.prefix / "lib/conf.pc/mine") == "mine");
    CHECK(fs::is_symlink(env.prefix / "lib/d4"));
    for (const auto& entry : fs::directory_iterator(elsewhere / "sub")) CHECK(*read_text(entry.path()) == "changed");
}

TEST_CASE("a repair that fails in between can be repeated", "[repair]") {
    InstalledTree env;
    for (const char* path : {"lib/conf.pc", "lib/exact.bin", "bin/tool"}) env.overwrite(path, "x");
    FailSecondRename faults;
    auto failed = env.repair(&faults);
    REQUIRE_FALSE(failed.ok());
    CHECK(failed.error().kind == ErrorKind::storage);
    CHECK_FALSE(fs::exists(env.prefix / ".tinderbox/repair"));
    REQUIRE(env.repair().ok());
    CHECK(verify_files(*Directory::open(env.prefix))->differences.empty());
}

TEST_CASE("only the installer's own, finished environment is repaired", "[repair]") {
    InstalledTree env;
    const std::string state = *read_text(env.prefix / ".tinderbox/state");
    auto refused = [&](std::string_view text) {
        std::ofstream(env.prefix / ".tinderbox/state") << text;
        auto result = env.repair();
        REQUIRE_FALSE(result.ok());
        CHECK(result.error().kind == ErrorKind::storage);
        return result.error().message;
    };
    std::string other = state;
    other[other.find("manifest ") + 9] ^= 1;
    CHECK(refused(other).find("does not hold this installer's environment") != std::string::npos);
    CHECK(refused("").find("does not hold this installer's environment") != std::string::npos);
    std::string unfinished = state;
    unfinished.replace(unfinished.find("stage ") + 6, std::string("registered").size(), "files");
    CHECK(refused(unfinished).find("not finished") != std::string::npos);
    std::ofstream(env.prefix / ".tinderbox/state") << state;
    {
        auto lock = FileLock::try_acquire(env.prefix / ".tinderbox/lock");
        REQUIRE((lock.ok() && *lock));
        CHECK(refused(state).find("another installer is working") != std::string::npos);
    }
    CHECK(env.repair().ok());
}
