#include "runtime/place/journal.hpp"

#include <catch2/catch_test_macros.hpp>

#include <fstream>

using namespace tinderbox;
using namespace tinderbox::place;

TEST_CASE("a journal that was cut or changed ends at its last whole record", "[journal]") {
    auto directory = *TemporaryDirectory::make();
    const Directory control = *Directory::open(directory.path());
    fs::path path = directory.path() / "journal";
    JournalHeader header{std::string(64, 'a'), "/some/prefix with space", true};
    {
        auto journal = Journal::create(control, header);
        REQUIRE(journal.ok());
        for (std::uint64_t tasks : {10, 20, 30}) REQUIRE(journal->record_tasks(tasks).ok());
    }
    std::string whole = *read_text(path);
    CHECK(Journal::read(control)->header == header);
    CHECK(Journal::read(control)->tasks == 30);
    std::uint64_t last = 0;
    for (std::size_t size = 0; size <= whole.size(); ++size) {
        std::ofstream(path, std::ios::binary | std::ios::trunc) << whole.substr(0, size);
        auto contents = Journal::read(control);
        if (!contents) continue;
        CHECK(contents->header == header);
        CHECK(contents->tasks >= last);
        CHECK(contents->tasks % 10 == 0);
        last = contents->tasks;
    }
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string changed = whole;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        std::ofstream(path, std::ios::binary | std::ios::trunc) << changed;
        auto contents = Journal::read(control);
        CHECK((!contents || contents->header != header || contents->tasks < 30));
    }
    // Going on after a cut record writes over it.
    std::ofstream(path, std::ios::binary | std::ios::trunc) << whole.substr(0, whole.size() - 5);
    auto journal = Journal::append_to(control);
    REQUIRE(journal.ok());
    REQUIRE(journal->record_tasks(40).ok());
    REQUIRE(journal->record_commit().ok());
    CHECK(Journal::read(control)->tasks == 40);
    CHECK(Journal::read(control)->committing);
}
