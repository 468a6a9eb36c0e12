#include "runtime/io/epoch.hpp"
#include "runtime/io/plan.hpp"
#include "runtime/io/queue.hpp"

#include "common/base/file.hpp"

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>

#include <algorithm>
#include <thread>
#include <vector>

using namespace tinderbox;
using namespace tinderbox::io;

namespace {

format::Table table_of(const std::vector<format::Destination>& destinations) {
    format::Table table;
    table.contents.emplace_back(); // an empty file
    table.destinations = destinations;
    return table;
}

} // namespace

TEST_CASE("directories are planned before what lies in them", "[plan]") {
    auto plan = make_write_plan(table_of({{.path = "a/b/c.txt"}, {.path = "a/d.txt"}, {.path = "e.txt"}}), {"", ""});
    REQUIRE(plan.ok());
    for (std::size_t i = 1; i < plan->directories.size(); ++i) CHECK(plan->directories[i].parent < i);
    CHECK(plan->directories.size() == 3);
    CHECK(plan->empty_files.size() == 3);
}

TEST_CASE("tables that no tree can have", "[plan]") {
    CHECK(!make_write_plan(table_of({{.path = "a"}, {.path = "a"}}), {"", ""}).ok());
    CHECK(!make_write_plan(table_of({{.path = "a"}, {.path = "a/b"}}), {"", ""}).ok());
}

TEST_CASE("both queues read and write what they are asked to", "[queue]") {
    auto directory = *TemporaryDirectory::make();
    auto fd = open_file(directory.path() / "file", O_RDWR | O_CREAT);
    REQUIRE(fd.ok());
    for (auto make : {+[] { return make_uring_queue(2); }, +[] { return make_plain_queue(); }}) {
        auto queue = make();
        if (!queue) continue; // this kernel has no io_uring
        Bytes data(10, std::byte{'x'});
        REQUIRE(queue->submit({true, fd->get(), data.data(), data.size(), 5, 77}).ok());
        auto written = queue->wait();
        REQUIRE(written.ok());
        CHECK(written->tag == 77);
        CHECK(written->result == 10);
        Bytes read(20);
        REQUIRE(queue->submit({false, fd->get(), read.data(), read.size(), 5, 78}).ok());
        CHECK(queue->wait()->result == 10); // the file ends there
        CHECK(read[9] == std::byte{'x'});
    }
    CHECK(!make_plain_queue()->wait().ok());
}

TEST_CASE("an epoch is recorded when all workers have met, and not after a failure", "[epoch]") {
    int records = 0;
    EpochGate gate(2, 0, 1, 0, [&]() -> Status {
        ++records;
        return {};
    });
    CHECK(gate.due());
    bool other_ok = false; // only one thread may use Catch2's macros
    {
        std::jthread other([&] { other_ok = gate.meet().ok(); });
        CHECK(gate.meet().ok());
    }
    CHECK(other_ok);
    CHECK(records == 1);
    CHECK(gate.leave(true).ok());
    CHECK(gate.meet().ok());
    CHECK(records == 1);
    CHECK(!EpochGate(1, 0, 1, 1000, [] { return Status(); }).due()); // not in the first 1000 s
    CHECK(!EpochGate(1, 0, 1, 0, nullptr).due()); // without a record function there is never a record
}
