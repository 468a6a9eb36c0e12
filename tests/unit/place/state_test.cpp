#include "runtime/place/control_files.hpp"
#include "runtime/place/state.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;
using namespace tinderbox::place;

TEST_CASE("the state file") {
    const State state{std::string(64, 'a'), InstallStage::scripts, InstalledParts::base};
    const std::string text = state_text(state);
    CHECK(text == "tinderbox-state 1\nmanifest " + std::string(64, 'a') + "\nstage scripts\nparts env base\n");
    auto parsed = parse_state(text);
    REQUIRE(parsed);
    CHECK(state_text(*parsed) == text);
    CHECK(parsed->parts == InstalledParts::base);
    CHECK(parse_state("tinderbox-state 1\nmanifest a\nstage none\n")->parts == InstalledParts::env);
    for (std::string_view bad :
         {"", "tinderbox-state 2\nmanifest a\nstage none\n", "tinderbox-state 1\nmanifest a\n",
          "tinderbox-state 1\nmanifest a\nstage nowhere\n", "tinderbox-state 1\nmanifest a\nstage none\nwords env\n",
          "tinderbox-state 1\nmanifest a\nstage none\nparts base\n", "tinderbox-state 1\nmanifesta\nstage none\n",
          "tinderbox-state 1\nmanifest a\nstage none"})
        CHECK(!parse_state(bad));
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
