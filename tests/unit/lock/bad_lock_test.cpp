// Files that are no valid locks, with the sentence for each.
#include "generator/lock/lock.hpp"
#include "tests/unit/bad_files.hpp"

using namespace tinderbox;

TEST_CASE("every bad lock is refused in its own sentence", "[bad]") {
    check_bad_files("tests/unit/lock", "bad_lock.golden", [](const std::string& file) {
        auto lock = lock::read_lock(file);
        return lock.ok() ? std::string() : lock.error().message;
    });
}
