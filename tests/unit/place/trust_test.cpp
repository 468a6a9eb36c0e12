// Whose directories lead to a prefix, and whose tree is there.
#include "runtime/place/control_files.hpp"
#include "runtime/place/place.hpp"

#include <catch2/catch_test_macros.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

using namespace tinderbox;
using namespace tinderbox::place;

namespace {

constexpr uid_t alice = 1000, mallory = 1001;
constexpr gid_t alices = 1000, projects = 2000;

struct stat made(uid_t user, gid_t group, mode_t mode) {
    struct stat out {};
    out.st_uid = user;
    out.st_gid = group;
    out.st_mode = mode;
    return out;
}
struct stat directory(uid_t user, gid_t group, mode_t mode) {
    return made(user, group, S_IFDIR | mode);
}

bool way_is_fine(const Trust& trust, const struct stat& st) { return !refuse_way(trust, "/x", st); }
bool tree_is_fine(const Trust& trust, const struct stat& st, Access access) {
    return !refuse_tree(trust, "/x", st, access);
}

constexpr Trust root{0, 0, 0, false}, user{alice, alices, 0, false}, sharing{alice, alices, 0, true};

std::string refusal(const std::optional<Refusal>& refusal) { return refusal ? refusal->id : ""; }

} // namespace

TEST_CASE("a directory on the way belongs to root or the user, and nobody else writes to it") {
    CHECK(way_is_fine(root, directory(0, 0, 0755)));
    CHECK(way_is_fine(root, directory(0, 0, 0775)));
    CHECK(way_is_fine(root, directory(0, 0, 01777)));
    CHECK_FALSE(way_is_fine(root, directory(0, 0, 0777)));
    CHECK_FALSE(way_is_fine(root, directory(alice, alices, 0700)));
    CHECK_FALSE(way_is_fine(root, directory(0, projects, 02775)));
    CHECK(way_is_fine(user, directory(0, 0, 0755)));
    CHECK(way_is_fine(user, directory(alice, alices, 0775)));
    CHECK(way_is_fine(user, directory(alice, alices, 01777)));
    CHECK_FALSE(way_is_fine(user, directory(alice, projects, 0770)));
    CHECK_FALSE(way_is_fine(user, directory(mallory, mallory, 0755)));
    CHECK_FALSE(way_is_fine(user, directory(mallory, mallory, 01777)));
    CHECK(way_is_fine(sharing, directory(mallory, projects, 0777)));
}

TEST_CASE("a link on the way belongs to root or the user; its mode says nothing") {
    CHECK(way_is_fine(user, made(alice, projects, S_IFLNK | 0777)));
    CHECK(way_is_fine(user, made(0, 0, S_IFLNK | 0777)));
    CHECK_FALSE(way_is_fine(user, made(mallory, alices, S_IFLNK | 0777)));
}

TEST_CASE("a tree that is written to belongs to the user, one that is read may be root's") {
    for (Access access : {Access::read, Access::write}) {
        CHECK(tree_is_fine(user, directory(alice, alices, 0755), access));
        CHECK_FALSE(tree_is_fine(user, directory(mallory, alices, 0755), access));
        CHECK_FALSE(tree_is_fine(user, directory(alice, alices, 0777), access));
        CHECK_FALSE(tree_is_fine(user, directory(alice, alices, 01777), access)); // what is in it can be added to
        CHECK_FALSE(tree_is_fine(user, directory(alice, projects, 0775), access));
        CHECK_FALSE(tree_is_fine(root, directory(alice, alices, 0755), access));
        // --allow-shared accepts modes, never another owner.
        CHECK(tree_is_fine(sharing, directory(alice, projects, 0775), access));
        CHECK_FALSE(tree_is_fine(sharing, directory(mallory, projects, 0755), access));
    }
    CHECK(tree_is_fine(user, directory(0, 0, 0755), Access::read));
    CHECK_FALSE(tree_is_fine(user, directory(0, 0, 0755), Access::write));
}

TEST_CASE("in a user namespace without root, the owner of / counts as root") {
    constexpr Trust inside{0, 0, 65534, false};
    CHECK(way_is_fine(inside, directory(65534, 65534, 0755)));
    CHECK_FALSE(way_is_fine(inside, directory(65534, 65534, 0775)));
    CHECK_FALSE(tree_is_fine(inside, directory(65534, 65534, 0755), Access::write));
}

namespace {

struct TrustDisk {
    TemporaryDirectory scratch = *TemporaryDirectory::make();
    fs::path home = fs::canonical(scratch.path());
    Trust trust = Trust::now();
    TrustDisk() { fs::create_directories(home / "a/b"); }
    Approach walk(const fs::path& below) const { return approach(home / below, trust); }
};

std::vector<std::string> names(const std::initializer_list<const char*>& list) { return {list.begin(), list.end()}; }

} // namespace

TEST_CASE("an approach says what is there and what is missing") {
    TrustDisk disk;
    const Approach there = disk.walk("a/b");
    CHECK(there.arrived);
    CHECK(there.tree);
    CHECK(there.missing.empty());
    CHECK(!there.refusal);
    const Approach missing = disk.walk("a/c/d");
    CHECK_FALSE(missing.tree);
    CHECK_FALSE(missing.arrived);
    CHECK(missing.missing == names({"c", "d"}));
    CHECK(missing.nearest.path() == disk.home / "a");
    std::ofstream(disk.home / "a/file") << "x";
    CHECK(disk.walk("a/file/x").not_directory == disk.home / "a/file");
    CHECK(disk.walk("a/file").not_directory == disk.home / "a/file");
}

TEST_CASE("links of one's own are followed, and what they lead to is named") {
    TrustDisk disk;
    fs::create_directory_symlink(disk.home / "a", disk.home / "absolute");
    fs::create_directory_symlink("../a/./b/..", disk.home / "a/relative");
    fs::create_directory_symlink("nowhere/x", disk.home / "dangling");
    fs::create_directory_symlink("dangling", disk.home / "second");
    fs::create_directory_symlink("loop", disk.home / "loop");
    CHECK(disk.walk("absolute/b").tree);
    CHECK(disk.walk("absolute/b").nearest.path() == disk.home / "a/b");
    CHECK(disk.walk("a/relative/b").tree);
    CHECK(disk.walk("a/relative/b").nearest.path() == disk.home / "a/b");
    CHECK(disk.walk("a/relative").arrived);
    CHECK(disk.walk("absolute/c").missing == names({"c"}));
    for (const char* path : {"dangling", "dangling/x", "second", "second/y"}) {
        INFO(path);
        CHECK_FALSE(disk.walk(path).not_directory.empty());
        CHECK(disk.walk(path).missing.empty());
    }
    CHECK(disk.walk("loop").error == ELOOP);
}

TEST_CASE("a directory that everybody may write to is refused, and named") {
    TrustDisk disk;
    fs::permissions(disk.home / "a", fs::perms::all);
    const Approach there = disk.walk("a/b/c");
    CHECK(refusal(there.refusal) == "untrusted-parent");
    CHECK(there.refusal->kind == ErrorKind::storage);
    CHECK(there.refusal->sentence.find((disk.home / "a").string()) != std::string::npos);
    CHECK(there.missing.empty()); // nothing behind it was looked at
    fs::permissions(disk.home / "a", fs::perms::sticky_bit | fs::perms::all);
    CHECK(!disk.walk("a/b/c").refusal);
    disk.trust.allow_shared = true;
    fs::permissions(disk.home / "a", fs::perms::all);
    CHECK(!disk.walk("a/b/c").refusal);
}

TEST_CASE("parents are made, and are nobody else's when they were there") {
    TrustDisk disk;
    std::vector<fs::path> made;
    const auto parent = make_parents(disk.home / "a/c/d", disk.trust, 0755, made);
    REQUIRE(parent.ok());
    CHECK(made == std::vector<fs::path>{disk.home / "a/c", disk.home / "a/c/d"});
    CHECK(fs::is_directory(disk.home / "a/c/d"));
    fs::permissions(disk.home / "a/c/d", fs::perms::all);
    made.clear();
    CHECK_FALSE(make_parents(disk.home / "a/c/d", disk.trust, 0755, made).ok());
    CHECK(made.empty());
}

TEST_CASE("a planted environment, stage or aside is refused before it is believed") {
    if (::geteuid() != 0) SKIP("only root can make files of another user");
    TrustDisk disk;
    format::Manifest manifest;
    manifest.name = manifest.env_name = "lab";
    const std::string sha256(64, 'a');
    const fs::path prefix = disk.home / "a/env";
    auto decide_now = [&] {
        InstallRequest request;
        request.prefix = prefix;
        request.allow_existing = true;
        return decide(manifest, sha256, request);
    };
    auto give_away = [](const fs::path& path) { REQUIRE(::lchown(path.c_str(), mallory, mallory) == 0); };

    SECTION("the prefix with a state of this installer") {
        fs::create_directories(prefix / control_directory);
        std::ofstream(control_file(prefix, control::state)) << state_text({sha256, InstallStage::registered});
        give_away(prefix);
        CHECK(refusal(decide_now().refusal) == "untrusted-prefix");
        CHECK(decide_now().found == Found::untrusted);
        CHECK(!decide_now().reached);
        for (Access access : {Access::read, Access::write})
            CHECK(find_installed(manifest, sha256, prefix, disk.trust, access).error().kind == ErrorKind::storage);
        CHECK(*owner_of(prefix, "lab", sha256) == mallory);
    }
    SECTION("only its .tinderbox") {
        fs::create_directories(prefix / control_directory);
        std::ofstream(control_file(prefix, control::state)) << state_text({sha256, InstallStage::registered});
        give_away(prefix / control_directory);
        CHECK(refusal(decide_now().refusal) == "untrusted-prefix");
        CHECK_FALSE(find_installed(manifest, sha256, prefix, disk.trust, Access::read).ok());
        CHECK_FALSE(read_state(prefix).ok());
        CHECK_FALSE(record_stage(prefix, InstallStage::verified).ok());
    }
    SECTION("a tree that was put aside, alone") {
        fs::create_directories(aside_of(prefix) / control_directory);
        give_away(aside_of(prefix));
        CHECK(refusal(decide_now().refusal) == "untrusted-prefix");
    }
    SECTION("a stage") {
        fs::create_directories(stage_beside(prefix, sha256));
        give_away(stage_beside(prefix, sha256));
        CHECK(refusal(decide_now().refusal) == "untrusted-prefix");
        CHECK(*owner_of(prefix, "lab", sha256) == mallory);
    }
    SECTION("a link to the user's own directory") {
        fs::create_directories(disk.home / "own");
        fs::create_directory_symlink(disk.home / "own", prefix);
        CHECK(!decide_now().refusal);
        give_away(prefix);
        CHECK(refusal(decide_now().refusal) == "untrusted-parent");
    }
    SECTION("an empty directory") {
        fs::create_directories(prefix);
        give_away(prefix);
        fs::permissions(prefix, fs::perms::all);
        CHECK(refusal(decide_now().refusal) == "untrusted-prefix");
    }
}

TEST_CASE("a .tinderbox with somebody's files keeps them") {
    TrustDisk disk;
    format::Manifest manifest;
    InstallRequest request;
    request.prefix = disk.home / "a";
    request.allow_existing = true;
    fs::create_directories(request.prefix / control_directory);
    std::ofstream(request.prefix / control_directory / "notes.txt") << "mine";
    CHECK(!decide(manifest, "00", request).refusal);
    std::ofstream(control_file(request.prefix, control::manifest)) << "mine";
    CHECK(refusal(decide(manifest, "00", request).refusal) == "control-exists");
}
