// Files that must be refused, each with its sentence: bad/FILE, bad_input.golden. TINDERBOX_UPDATE_GOLDEN=1 writes the
// sentences again, to be reviewed as a diff.
#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "generator/lock/lock.hpp"
#include "generator/spec/request.hpp"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstdlib>

using namespace tinderbox;

namespace {

// What stops a build of this file; "" when nothing does.
std::string sentence(const std::string& file) {
    auto text = read_text(file);
    REQUIRE(text.ok());
    auto decoded = decode_spec(*text, file);
    if (!decoded.ok()) return decoded.error().message;
    if (recognise_spec(*decoded) == SpecKind::tinderbox_lock) {
        auto lock = read_lock(file);
        return lock.ok() ? "" : lock.error().message;
    }
    auto request = parse_spec(*decoded, file);
    if (!request.ok()) {
        CHECK(request.error().kind == ErrorKind::usage);
        return request.error().message;
    }
    if (Status bundled = check_bundled(*request); !bundled.ok()) return bundled.error().message;
    for (const TakenLock& taken : request->locks)
        if (auto wheels = wheels_of(taken, pip::Target{}, {}); !wheels.ok()) return wheels.error().message;
    return "";
}

} // namespace

TEST_CASE("every bad file is refused in its own sentence", "[bad]") {
    const fs::path here = fs::path(TINDERBOX_SOURCE_DIR) / "tests/unit/spec";
    const fs::path golden = here / "bad_input.golden", before = fs::current_path();
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(here / "bad"))
        if (entry.path().extension() != ".inc") names.push_back(entry.path().filename().string()); // named by others
    std::ranges::sort(names);
    CHECK(names.size() >= 60);
    fs::current_path(here / "bad");
    std::string said;
    for (const std::string& name : names) {
        std::string text = sentence(name);
        if (text.empty()) FAIL_CHECK(name << " is accepted");
        text = replace_all(text, (here / "bad").string(), "DIR");
        CHECK(text.find(name.substr(0, name.find('.'))) != std::string::npos); // it says which file
        said += name + "\n    " + replace_all(text, "\n", "\n    ") + "\n";
    }
    fs::current_path(before);
    if (const char* update = std::getenv("TINDERBOX_UPDATE_GOLDEN"); update && *update) {
        REQUIRE(write_atomically(golden, said).ok());
        return;
    }
    auto wanted = read_text(golden);
    REQUIRE(wanted.ok());
    auto ours = split_lines(said), theirs = split_lines(*wanted);
    for (std::size_t i = 0; i < std::max(ours.size(), theirs.size()); ++i) {
        const std::string_view left = i < ours.size() ? ours[i] : "(nothing)",
                               right = i < theirs.size() ? theirs[i] : "(nothing)";
        if (left != right) {
            FAIL_CHECK("line " << i + 1 << " of bad_input.golden\n  is now: " << left << "\n  was:    " << right);
            break;
        }
    }
}
