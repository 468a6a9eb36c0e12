#include "common/base/member_path.hpp"
#include "common/base/text.hpp"
#include "common/format/table.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace tinderbox;
using namespace tinderbox::format;

namespace {

Table sample_table() {
    Table t;
    t.blocks = {{.offset = 4096, .packed = 100, .raw = 500},
                {.offset = 8192, .packed = 4000000, .raw = block_raw_size},
                {.offset = 5000000, .packed = 77, .raw = 77, .stored = true}};
    Content small{.block = 0, .offset = 100, .size = 300};
    small.relocs = {{.kind = RelocKind::shebang, .offset = 0, .length = 20, .text = "#!\x01/bin/python3"},
                    {.kind = RelocKind::text, .offset = 30, .length = 11},
                    {.kind = RelocKind::digest_hex, .offset = 50, .length = 64, .target = 2}};
    t.contents = {small, {.block = 1, .offset = 0, .size = block_raw_size + 77}, {.block = 0, .offset = 0, .size = 0}};
    t.destinations = {{.kind = EntryKind::directory, .mode = 0755, .path = "bin"},
                      {.mode = 0755, .mtime = -5, .path = "bin/tool", .content = 0, .package = 1},
                      {.path = "lib/large.so", .content = 1},
                      {.kind = EntryKind::symlink, .path = "lib/large.so.1", .link = "large.so"},
                      {.root = Root::base, .path = "lib/empty", .content = 2}};
    return t;
}

} // namespace

TEST_CASE("a table is read as it was written", "[table]") {
    Table t = sample_table();
    auto read = decode_table(encode(t));
    INFO((read.ok() ? "" : read.error().message));
    REQUIRE(read.ok());
    CHECK(*read == t);
    CHECK(block_count(t, t.contents[0]) == 1);
    CHECK(block_count(t, t.contents[1]) == 2);
    CHECK(block_count(t, t.contents[2]) == 0);
}

TEST_CASE("inherited contents have no block and another version", "[table]") {
    Table t = sample_table();
    CHECK(encode(t)[0] == std::byte{1}); // as before there were updates
    t.contents[1] = {.inherited = true, .size = 1u << 30};
    const Bytes bytes = encode(t);
    CHECK(bytes[0] == std::byte{2});
    const auto read = decode_table(bytes);
    REQUIRE(read.ok());
    CHECK(*read == t);
    CHECK(has_inherited(*read));
    CHECK(block_count(*read, read->contents[1]) == 0);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        REQUIRE_FALSE(decode_table(ByteView(bytes).first(size)).ok());
    t.contents[1].size = UINT64_MAX; // sizes are added up
    CHECK_FALSE(decode_table(encode(t)).ok());
}

TEST_CASE("every truncation of a table is refused", "[table]") {
    Bytes bytes = encode(sample_table());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        auto read = decode_table(ByteView(bytes).first(size));
        REQUIRE_FALSE(read.ok());
        REQUIRE(read.error().kind == ErrorKind::damaged);
    }
    bytes.push_back(std::byte{0});
    CHECK_FALSE(decode_table(bytes).ok());
}

TEST_CASE("a flipped bit is refused or yields a table that is safe to use", "[table]") {
    // The section's SHA-256 detects every flip; this test is about memory safety and the reader's own checks.
    Bytes original = encode(sample_table());
    for (std::size_t i = 0; i < original.size() * 8; ++i) {
        Bytes bytes = original;
        bytes[i / 8] ^= static_cast<std::byte>(1u << (i % 8));
        auto read = decode_table(bytes);
        if (!read.ok()) continue;
        for (const Destination& d : read->destinations) REQUIRE(safe_relative_path(d.path).ok());
        for (const Content& c : read->contents)
            for (const Reloc& r : c.relocs) REQUIRE(r.offset + r.length <= c.size);
    }
}

TEST_CASE("hostile tables are refused", "[table]") {
    auto refused = [](auto change) {
        Table t = sample_table();
        change(t);
        return !decode_table(encode(t)).ok();
    };
    CHECK(refused([](Table& t) { t.destinations[1].path = "../x"; }));
    CHECK(refused([](Table& t) { t.destinations[1].path = "/x"; }));
    CHECK(refused([](Table& t) { t.destinations[1].mode = 04755; }));
    CHECK(refused([](Table& t) { t.destinations[1].content = 99; }));
    CHECK(refused([](Table& t) { t.destinations[3].link = "../../x"; }));
    CHECK(refused([](Table& t) { t.contents[0].size = 1000; }));
    CHECK(refused([](Table& t) { t.contents[1].size = block_raw_size + 76; }));
    CHECK(refused([](Table& t) { t.contents[0].block = 9; }));
    CHECK(refused([](Table& t) { t.blocks[0].raw = relocated_content_limit + 1; }));
    CHECK(refused([](Table& t) { t.contents[0].relocs[2].target = 0; }));
    CHECK(refused([](Table& t) { t.contents[0].relocs[2].target = 1; })); // the digest of its own content
}

TEST_CASE("a table of a newer version is refused in one sentence", "[table]") {
    Bytes bytes = encode(sample_table());
    bytes[0] = std::byte{9};
    auto read = decode_table(bytes);
    REQUIRE_FALSE(read.ok());
    CHECK(read.error().message.find("version 9") != std::string::npos);
}

TEST_CASE("a table cannot ask for more than it has room for", "[table]") {
    auto refused = [](const Table& table) {
        auto read = decode_table(encode(table));
        REQUIRE(!read.ok());
        CHECK(read.error().kind == ErrorKind::damaged);
        return read.error().message;
    };
    Table t = sample_table();
    std::string deep = "a";
    for (int i = 0; i < 50'000; ++i) deep += "/a";
    t.destinations.push_back({.kind = EntryKind::directory, .path = deep});
    CHECK(refused(t).find("budget (depth)") != std::string::npos);
    t = sample_table();
    t.destinations.push_back({.kind = EntryKind::symlink, .path = "l", .link = deep});
    CHECK(refused(t).find("budget (depth)") != std::string::npos);
    // Paths that share their beginnings: seven bytes each in the table.
    t = sample_table();
    const std::string prefix = std::string(200, 'd') + "/" + std::string(200, 'd') + "/";
    for (int i = 0; i < 400'000; ++i)
        t.destinations.push_back({.kind = EntryKind::directory, .path = prefix + std::to_string(1'000'000 + i)});
    CHECK(refused(t).find("budget (size)") != std::string::npos);
    ByteWriter many;
    many.u32(table_version);
    many.varint(0);
    many.varint(0);
    many.varint(2'000'000);
    Bytes bytes = many.take();
    bytes.resize(bytes.size() + 14'000'000);
    auto read = decode_table(bytes);
    REQUIRE(!read.ok());
    CHECK(read.error().message.find("budget (entries)") != std::string::npos);
}
