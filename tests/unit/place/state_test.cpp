#include "runtime/place/control_files.hpp"
#include "runtime/place/state.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;
using namespace tinderbox::place;

TEST_CASE("the names of generations") {
    CHECK(generation_at("/a/env", 3) == "/a/.env.tinderbox-generation-3");
    CHECK(generation_number("/a/env", ".env.tinderbox-generation-12") == 12u);
    for (std::string_view other :
         {".env.tinderbox-generation-0", ".env.tinderbox-generation-", ".env.tinderbox-generation-03",
          ".env.tinderbox-generation--1", ".env.tinderbox-generation-1000000000", ".env.tinderbox-generation-1x",
          ".env.tinderbox-old", ".env2.tinderbox-generation-1", ".env.tinderbox-generation-99999999999"})
        CHECK_FALSE(generation_number("/a/env", other));
}

TEST_CASE("the state file") {
    State state{std::string(64, 'a'), InstallStage::scripts, InstalledParts::base, {}};
    for (std::string prefix : {"", "/home/a b/env"}) {
        state.prefix = prefix;
        const std::string text = state_text(state);
        CHECK(text == fmt::format("tinderbox-state {}\nmanifest {}\n{}stage scripts\nparts env base\n",
                                  prefix.empty() ? 1 : 2, std::string(64, 'a'),
                                  prefix.empty() ? "" : "prefix " + prefix + "\n"));
        auto parsed = parse_state(text);
        REQUIRE(parsed);
        CHECK(state_text(*parsed) == text);
        CHECK(parsed->parts == InstalledParts::base);
        CHECK(parsed->prefix == prefix);
    }
    CHECK(parse_state("tinderbox-state 1\nmanifest a\nstage none\n")->parts == InstalledParts::env);
    for (std::string_view bad :
         {"", "tinderbox-state 3\nmanifest a\nprefix /a\nstage none\n", "tinderbox-state 2\nmanifest a\nstage none\n",
          "tinderbox-state 2\nmanifest a\nprefix a\nstage none\n",
          "tinderbox-state 1\nmanifest a\nprefix /a\nstage none\n",
          "tinderbox-state 2\nmanifest a\nprefix /a\nstage none\nparts env base\nmore\n",
          "tinderbox-state 1\nmanifest a\n", "tinderbox-state 1\nmanifest a\nstage nowhere\n",
          "tinderbox-state 1\nmanifest a\nstage none\nwords env\n",
          "tinderbox-state 1\nmanifest a\nstage none\nparts base\n", "tinderbox-state 1\nmanifesta\nstage none\n",
          "tinderbox-state 1\nmanifest a\nstage none"})
        CHECK(!parse_state(bad));
}

TEST_CASE("a tree that was moved is told from one that is reached by another path") {
    auto directory = *TemporaryDirectory::make();
    const fs::path old = directory.path() / "old", now = directory.path() / "now";
    State state{"a", InstallStage::verified, InstalledParts::env, old};
    fs::create_directory(now);
    CHECK(moved_from(state, now) == old); // moved
    CHECK(!moved_from(state, old));
    fs::create_directory_symlink(now, old);
    CHECK(!moved_from(state, now)); // a link at the old place leads here
    fs::remove(old);
    fs::create_directory(old);
    CHECK(moved_from(state, now) == old); // copied
    state.prefix.clear();
    CHECK(!moved_from(state, now)); // nobody knows
}

TEST_CASE("a stage is recorded, and never steps back") {
    auto directory = *TemporaryDirectory::make();
    const fs::path& root = directory.path();
    CHECK(!*read_state(root));
    CHECK(!record_stage(root, InstallStage::files).ok());
    fs::create_directories(root / control_directory);
    const fs::path file = control_file(root, control::state);
    REQUIRE(write_atomically(file, state_text({"a", InstallStage::files})).ok());
    REQUIRE(record_stage(root, InstallStage::verified).ok());
    REQUIRE(record_stage(root, InstallStage::bytecode).ok());
    CHECK(read_state(root).value()->stage == InstallStage::verified);
    CHECK(!read_installed(root).ok()); // the manifest is missing
    REQUIRE(write_atomically(file, "damaged").ok());
    CHECK(read_state(root).error().kind == ErrorKind::storage);
}
