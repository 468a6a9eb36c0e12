// Files that must be refused: bad/FILE, with the expected sentences in a golden file. TINDERBOX_UPDATE_GOLDEN=1 writes
// the sentences anew; review them as a diff.
#pragma once

#include "tests/unit/golden_text.hpp"

#include <functional>
#include <string>
#include <vector>

// `sentence` returns the error that stops a build of a file; "" when it is accepted. It runs inside DIRECTORY/bad.
// `directory`: relative to the source tree.
inline void check_bad_files(const std::string& directory, const std::string& golden_name,
                            const std::function<std::string(const std::string& file)>& sentence) {
    using namespace tinderbox;
    const fs::path here = fs::path(TINDERBOX_SOURCE_DIR) / directory;
    const fs::path golden = here / golden_name, before = fs::current_path();
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(here / "bad"))
        // .inc files are named by others
        if (entry.path().extension() != ".inc") names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    REQUIRE(!names.empty());
    fs::current_path(here / "bad");
    std::string said;
    for (const std::string& name : names) {
        std::string text = sentence(name);
        if (text.empty()) FAIL_CHECK(name << " is accepted");
        text = replace_all(text, (here / "bad").string(), "DIR");
        CHECK(text.find(name.substr(0, name.find('.'))) != std::string::npos); // the sentence names the file
        said += name + "\n    " + replace_all(text, "\n", "\n    ") + "\n";
    }
    fs::current_path(before);
    if (test::updates_golden()) {
        REQUIRE(write_atomically(golden, said).ok());
        return;
    }
    auto wanted = read_text(golden);
    REQUIRE(wanted.ok());
    test::check_same_lines(said, *wanted, golden_name);
}
