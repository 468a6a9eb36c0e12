// Root in a user's home. Without root there is nothing to test.
#include "common/base/output_file.hpp"
#include "runtime/install/as_owner.hpp"
#include "runtime/install/registry.hpp"
#include "runtime/install/shell_init.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <sys/stat.h>
#include <unistd.h>

using namespace tinderbox;
using namespace tinderbox::install;

namespace {

constexpr uid_t user = 12345;
constexpr gid_t group = 23456;

struct OwnerBench {
    TemporaryDirectory directory = *TemporaryDirectory::make();
    fs::path home = directory.path() / "home", secret = directory.path() / "secret", conda = directory.path() / "conda";
    std::string home_before = std::getenv("HOME") ? std::getenv("HOME") : "";

    OwnerBench() {
        if (::geteuid() != 0) SKIP("only root can act for others");
        ::chmod(directory.path().c_str(), 0755);
        fs::create_directories(conda / "conda-meta");
        fs::create_directory(home);
        REQUIRE(write_atomically(secret, std::string_view("root's\n"), 0600).ok());
        if (::chown(home.c_str(), user, group) != 0) SKIP("there is no other user here");
        if (!AsOwner::of(home).ok()) SKIP("root may not become another user here");
        ::setenv("HOME", home.c_str(), 1);
    }
    ~OwnerBench() { ::setenv("HOME", home_before.c_str(), 1); }
    static bool is_users(const fs::path& path) {
        struct stat st;
        return ::lstat(path.c_str(), &st) == 0 && st.st_uid == user && st.st_gid == group;
    }
    std::vector<ShellChange> init() const {
        return init_shells(conda, {Shell::bash, Shell::fish}, ShellPlaces::from_environment(),
                           directory.path() / "record");
    }
};

} // namespace

TEST_CASE("root acts with the rights of the home's owner, and gets its own back", "[as_owner]") {
    OwnerBench bench;
    {
        auto as_owner = AsOwner::of(bench.home / "x" / "y");
        REQUIRE(as_owner.ok());
        CHECK(write_output_file(bench.home / "file", std::string_view("x")).ok());
        CHECK(!read_text(bench.secret).ok());
        CHECK(!write_output_file(bench.directory.path() / "other", std::string_view("x")).ok());
    }
    CHECK(bench.is_users(bench.home / "file"));
    CHECK(read_text(bench.secret).ok());
    CHECK(AsOwner::of(bench.secret).ok()); // all of it root's: no change
    CHECK(read_text(bench.secret).ok());
}

TEST_CASE("root's new files in a home are the user's", "[as_owner]") {
    OwnerBench bench;
    CHECK(*register_environment(bench.conda));
    CHECK(bench.is_users(bench.home / ".conda"));
    CHECK(bench.is_users(bench.home / ".conda/environments.txt"));
    for (const ShellChange& change : bench.init()) CHECK(change.outcome == ShellChange::Outcome::modified);
    for (const char* name : {".bashrc", ".config", ".config/fish", ".config/fish/config.fish"}) {
        CAPTURE(name);
        CHECK(bench.is_users(bench.home / name));
    }
    CHECK(undo_shells(bench.directory.path() / "record").ok());
    CHECK(!lexists(bench.home / ".bashrc"));
    CHECK(!lexists(bench.home / ".config"));
    CHECK(unregister_environment(bench.conda).ok());
    CHECK(read_text(bench.home / ".conda/environments.txt")->empty());
}

TEST_CASE("a user's link leads root nowhere", "[as_owner]") {
    OwnerBench bench;
    fs::create_directory(bench.home / ".conda");
    for (const char* name : {".bashrc", ".conda/environments.txt"}) fs::create_symlink(bench.secret, bench.home / name);
    fs::create_symlink(bench.directory.path(), bench.home / ".config");
    CHECK(!register_environment(bench.conda).ok());
    for (const ShellChange& change : bench.init()) CHECK(change.outcome == ShellChange::Outcome::failed);
    CHECK(*read_text(bench.secret) == "root's\n");
    CHECK(!lexists(bench.home / ".bashrc.tinderbox.bak"));
    CHECK(!lexists(bench.directory.path() / "fish"));
}

TEST_CASE("links, modes and owners of a user's files stay", "[as_owner]") {
    OwnerBench bench;
    fs::create_directories(bench.home / "dotfiles");
    fs::create_directory(bench.home / ".conda");
    for (const auto& [name, link] : {std::pair("bashrc", ".bashrc"), std::pair("list", ".conda/environments.txt")}) {
        const fs::path file = bench.home / "dotfiles" / name;
        REQUIRE(write_atomically(file, std::string_view("/one\n"), 0600).ok());
        fs::create_symlink(file, bench.home / link);
    }
    for (const auto& entry : fs::recursive_directory_iterator(bench.home))
        REQUIRE(::lchown(entry.path().c_str(), user, group) == 0);
    CHECK(*register_environment(bench.conda));
    CHECK(bench.init().front().outcome == ShellChange::Outcome::modified);
    CHECK(bench.is_users(bench.home / ".bashrc.tinderbox.bak"));
    CHECK(unregister_environment(bench.conda).ok());
    CHECK(undo_shells(bench.directory.path() / "record").ok());
    for (const char* name : {"bashrc", "list"}) {
        CAPTURE(name);
        struct stat st {};
        REQUIRE(::lstat((bench.home / "dotfiles" / name).c_str(), &st) == 0);
        CHECK((st.st_mode & 07777) == 0600);
        CHECK(st.st_uid == user);
        CHECK(*read_text(bench.home / "dotfiles" / name) == "/one\n");
    }
    CHECK(fs::is_symlink(bench.home / ".bashrc"));
    CHECK(fs::is_symlink(bench.home / ".conda/environments.txt"));
}
