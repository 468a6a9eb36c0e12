// Which prefix, which parts, which staging directory.
#include "runtime/place/control_files.hpp"
#include "runtime/place/journal.hpp"
#include "runtime/place/place.hpp"

#include <catch2/catch_test_macros.hpp>

#include <fstream>
#include <unistd.h>

using namespace tinderbox;
using namespace tinderbox::place;

namespace {

const std::string own_sha256(64, 'a'), other_sha256(64, 'b');

struct PlaceDisk {
    TemporaryDirectory directory = *TemporaryDirectory::make();
    fs::path prefix = directory.path() / "env";
    format::Manifest manifest;

    PlaceDisk() { manifest.name = manifest.env_name = "lab"; }
    void with_base() {
        manifest.base = "miniforge 1";
        manifest.base_installer = format::BaseInfo{};
        manifest.base_installer->environments = {{"second", std::nullopt}};
    }
    static void put(const fs::path& path, std::string_view text = "x") {
        fs::create_directories(path.parent_path());
        REQUIRE(write_atomically(path, text).ok());
    }
    static void put_state(const fs::path& root, const std::string& manifest_sha256,
                          InstalledParts parts = InstalledParts::env, InstallStage stage = InstallStage::registered) {
        put(control_file(root, control::state), state_text({manifest_sha256, stage, parts}));
    }
    static void put_journal(const fs::path& root, InstalledParts parts = InstalledParts::env) {
        fs::create_directories(root / control_directory);
        REQUIRE(Journal::create(*Directory::open(root / control_directory), {own_sha256, root.string(), false, parts})
                    .ok());
    }
    Decision decide(const std::function<void(InstallRequest&)>& change = {}) const {
        InstallRequest request;
        request.prefix = prefix;
        if (change) change(request);
        return place::decide(manifest, own_sha256, request);
    }
};

std::string refusal(const Decision& decision) { return decision.refusal ? decision.refusal->id : ""; }
void with_u(InstallRequest& request) { request.allow_existing = true; }
void with_replace(InstallRequest& request) { request.replace = true; }
void extracting(InstallRequest& request) {
    request.extract_only = request.allow_existing = request.replace = true; // the other two count for nothing
}

} // namespace

TEST_CASE("a new prefix is built beside it") {
    PlaceDisk disk;
    const Decision decision = disk.decide();
    CHECK(refusal(decision) == "");
    CHECK(decision.found == Found::absent);
    CHECK(decision.staging == StagingKind::beside);
    CHECK(decision.stage == stage_beside(disk.prefix, own_sha256));
    CHECK(decision.stage.parent_path() == disk.prefix.parent_path());
    CHECK(stage_beside(disk.prefix, other_sha256) != decision.stage);
    CHECK(decision.layout.root == disk.prefix);
    CHECK(decision.layout.environment == disk.prefix);
    CHECK(decision.layout.parts.installed() == InstalledParts::env);
    CHECK(!decision.reached);
}

TEST_CASE("a base takes the prefix, and the environments lie below it") {
    PlaceDisk disk;
    disk.with_base();
    const Layout layout = disk.decide([](InstallRequest& request) { request.keep_packages = true; }).layout;
    CHECK(layout.root == disk.prefix);
    CHECK(layout.environment == disk.prefix / "envs/lab");
    CHECK(layout.parts.installed() == InstalledParts::packages);
    CHECK(layout.root_paths() == std::vector<std::string>{"envs/lab", "", "envs/second"});
    CHECK(layout.prefix(format::Root::base) == disk.prefix);
    CHECK(layout.roots().size() == 3);
    CHECK(disk.decide().layout.parts.installed() == InstalledParts::base);
}

TEST_CASE("an existing directory") {
    PlaceDisk disk;
    fs::create_directories(disk.prefix / "lost+found");
    CHECK(refusal(disk.decide()) == "");
    CHECK(disk.decide().staging == StagingKind::inside);
    CHECK(disk.decide().stage == control_file(disk.prefix, control::stage));
    PlaceDisk::put(disk.prefix / "mine.txt");
    CHECK(disk.decide().found == Found::directory);
    CHECK(refusal(disk.decide()) == "prefix-exists");
    CHECK(refusal(disk.decide(extracting)) == "prefix-exists");
    CHECK(refusal(disk.decide(with_replace)) == "prefix-exists"); // no environment, so nothing to replace
    CHECK(refusal(disk.decide(with_u)) == "");
    CHECK(disk.decide(with_u).staging == StagingKind::inside);
}

TEST_CASE("something that is no directory") {
    PlaceDisk disk;
    PlaceDisk::put(disk.prefix);
    CHECK(refusal(disk.decide(with_u)) == "prefix-is-file");
    fs::remove(disk.prefix);
    fs::create_symlink("nowhere", disk.prefix);
    CHECK(refusal(disk.decide()) == "prefix-is-file");
}

TEST_CASE("another installer's environment is refused, or replaced") {
    PlaceDisk disk;
    PlaceDisk::put_state(disk.prefix, other_sha256);
    CHECK(disk.decide().found == Found::environment);
    CHECK(refusal(disk.decide()) == "prefix-exists");
    CHECK(refusal(disk.decide(with_u)) == "prefix-exists");
    CHECK(refusal(disk.decide(extracting)) == "prefix-exists");
    CHECK(refusal(disk.decide(with_replace)) == "");
    CHECK(disk.decide(with_replace).staging == StagingKind::replace);
    CHECK(disk.decide(with_replace).stage == stage_beside(disk.prefix, own_sha256));
    disk.with_base();
    CHECK(refusal(disk.decide(with_replace)) == "prefix-exists"); // a whole conda would come in its place
}

TEST_CASE("this very environment, whole or begun, keeps the place that was chosen for it") {
    PlaceDisk disk;
    disk.with_base();
    SECTION("whole") {
        PlaceDisk::put_state(disk.prefix, own_sha256, InstalledParts::packages, InstallStage::scripts);
        const Decision decision = disk.decide();
        REQUIRE(decision.reached);
        CHECK(decision.reached->stage == InstallStage::scripts);
        CHECK(refusal(decision) == "");
        CHECK(decision.layout.parts.packages); // without -k, too
        CHECK(refusal(disk.decide(extracting)) == "prefix-exists");
    }
    SECTION("whole, with conda's records, and not yet tidied") {
        PlaceDisk::put_state(disk.prefix, own_sha256, InstalledParts::base, InstallStage::files);
        PlaceDisk::put(disk.prefix / "conda-meta/history");
        fs::create_directories(control_file(disk.prefix, control::stage));
        CHECK(refusal(disk.decide()) == "");
        CHECK(disk.decide().reached);
    }
    SECTION("begun in a directory with files of the user") {
        PlaceDisk::put_journal(disk.prefix, InstalledParts::base);
        PlaceDisk::put(disk.prefix / "mine.txt");
        CHECK(refusal(disk.decide()) == "");
        CHECK(disk.decide().staging == StagingKind::inside);
        CHECK(!disk.decide().reached);
    }
}

TEST_CASE("a conda gets the environment in its envs/") {
    PlaceDisk disk;
    PlaceDisk::put(disk.prefix / "conda-meta/history");
    PlaceDisk::put(disk.prefix / "condabin/mamba");
    CHECK(refusal(disk.decide()) == "prefix-exists"); // not without -u
    const Decision decision = disk.decide(with_u);
    CHECK(refusal(decision) == "");
    CHECK(decision.layout.root == disk.prefix / "envs/lab");
    CHECK(decision.layout.conda == disk.prefix);
    CHECK(decision.staging == StagingKind::beside);
    CHECK(disk.decide(extracting).layout.conda.empty());

    SECTION("another environment has the name") {
        PlaceDisk::put_state(disk.prefix / "envs/lab", other_sha256);
        CHECK(refusal(disk.decide(with_u)) == "environment-exists");
        CHECK(disk.decide(with_replace).staging == StagingKind::replace);
        PlaceDisk::put(disk.prefix / "envs/lab/conda-meta/history");
        fs::create_directories(disk.prefix / "envs/lab/pkgs");
        CHECK(refusal(disk.decide(with_replace)) == "prefix-exists"); // a whole conda is not replaced
    }
    SECTION("the environment is found again under both names") {
        PlaceDisk::put_state(disk.prefix / "envs/lab", own_sha256);
        CHECK(disk.decide().layout.root == disk.prefix / "envs/lab"); // without -u, too
        for (const fs::path& named : {disk.prefix, disk.prefix / "envs/lab"}) {
            auto installed = find_installed(disk.manifest, own_sha256, named, Trust::now(), Access::write);
            REQUIRE(installed.ok());
            CHECK(installed->layout.root == disk.prefix / "envs/lab");
            CHECK(installed->layout.conda == disk.prefix);
        }
        CHECK(!find_installed(disk.manifest, other_sha256, disk.prefix, Trust::now(), Access::read).ok());
    }
}

TEST_CASE("an environment that a killed replacement put aside counts as being there") {
    PlaceDisk disk;
    PlaceDisk::put_state(aside_of(disk.prefix), other_sha256);
    CHECK(refusal(disk.decide()) == "prefix-exists");
    CHECK(disk.decide(with_replace).staging == StagingKind::replace);
}

TEST_CASE("what lies at a path") {
    auto directory = *TemporaryDirectory::make();
    const fs::path base = directory.path();
    CHECK(look_at(approach(base / "a/b", Trust::now())) == Found::absent);
    PlaceDisk::put(base / "file");
    CHECK(look_at(approach(base / "file", Trust::now())) == Found::file);
    CHECK(look_at(approach(base / "file/below", Trust::now())) == Found::absent);
    fs::create_symlink("/nowhere/at/all", base / "dangling");
    CHECK(look_at(approach(base / "dangling", Trust::now())) == Found::file);
    fs::create_directories(base / "begun/.tinderbox/stage");
    CHECK(look_at(approach(base / "begun", Trust::now())) == Found::empty_directory);
    CHECK(look_at(approach(base, Trust::now())) == Found::directory);
    fs::create_directories(base / "conda/conda-meta");
    CHECK(look_at(approach(base / "conda", Trust::now())) == Found::conda);
    PlaceDisk::put(base / "conda/.tinderbox/state", "damaged");
    CHECK(look_at(approach(base / "conda", Trust::now())) == Found::environment);
    if (::geteuid() != 0) {
        fs::permissions(base / "begun", fs::perms::none);
        CHECK(look_at(approach(base / "begun", Trust::now())) == Found::unreadable);
        fs::permissions(base / "begun", fs::perms::owner_all);
    }
}

TEST_CASE("what has to fit depends on the parts") {
    PlaceDisk disk;
    disk.with_base();
    disk.manifest.install.inodes = 7;
    CHECK(disk.decide().needs(disk.manifest).inodes == 7);
    disk.manifest.parts = {{.bytes = 1, .inodes = 10}, {.bytes = 2, .inodes = 20}, {.bytes = 4, .inodes = 40}};
    CHECK(disk.decide().needs(disk.manifest).bytes == 3);
    CHECK(disk.decide([](InstallRequest& request) { request.keep_packages = true; }).needs(disk.manifest).inodes == 70);
    disk.manifest.parts.base.longest_prefix = 5;
    disk.manifest.parts.base.longest_prefix_because = "bin/x";
    const auto limits = disk.decide().limits(disk.manifest);
    REQUIRE(limits.size() == 2);
    CHECK(!refuse_length(limits[0], disk.prefix.string()));
    CHECK(refuse_length(limits[1], disk.prefix.string())->kind == ErrorKind::usage);
}
