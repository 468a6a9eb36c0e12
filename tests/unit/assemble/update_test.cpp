// What an update leaves out, and what becomes of blocks that hold files of both kinds.
#include "generator/assemble/update.hpp"

#include "common/format/run_file.hpp"

#include <catch2/catch_test_macros.hpp>
#include <zstd.h>

using namespace tinderbox;
using namespace tinderbox::assemble;

namespace {

// An image whose files lie in one block, in memory.
struct Files {
    Image image;
    std::string raw;

    std::uint32_t add(const std::string& path, const std::string& text, std::vector<format::Reloc> relocs = {}) {
        format::Content content{.offset = static_cast<std::uint32_t>(raw.size()), .size = text.size()};
        content.sha256 = sha256(as_bytes(text));
        content.relocs = std::move(relocs);
        raw += text;
        image.table.contents.push_back(content);
        image.table.destinations.push_back(
            {.path = path, .content = static_cast<std::uint32_t>(image.table.contents.size() - 1)});
        return static_cast<std::uint32_t>(image.table.destinations.size() - 1);
    }
    Image packed() {
        image.memory.resize(ZSTD_compressBound(raw.size()));
        image.memory.resize(ZSTD_compress(image.memory.data(), image.memory.size(), raw.data(), raw.size(), 3));
        format::Block block;
        block.raw = static_cast<std::uint32_t>(raw.size());
        block.packed = static_cast<std::uint32_t>(image.memory.size());
        block.sha256 = sha256(image.memory);
        image.table.blocks = {block};
        image.sources = {{memory_input, 0}};
        return image;
    }
};

std::string text_of(const Image& image, std::uint32_t destination) {
    const format::Content& content = image.table.contents[image.table.destinations[destination].content];
    const format::Block& block = image.table.blocks.at(content.block);
    Bytes raw(block.raw);
    REQUIRE(format::unpack_block(block,
                                 ByteView(image.memory).subspan(image.sources[content.block].offset, block.packed), raw)
                .ok());
    return std::string(as_text(ByteView(raw).subspan(content.offset, content.size)));
}

bool inherited(const Image& image, std::uint32_t destination) {
    return image.table.contents[image.table.destinations[destination].content].inherited;
}

} // namespace

TEST_CASE("an update leaves out what every earlier environment has at the same path", "[update]") {
    Files before, now;
    before.add("a", "same");
    before.add("b", "old");
    before.add("moved/c", "elsewhere");
    const auto a = now.add("a", "same"), b = now.add("b", "new"), c = now.add("c", "elsewhere");
    Image image = now.packed();
    const EarlierTable earlier{{"before", std::string(64, '1')}, "linux-64", before.packed().table};
    REQUIRE(make_update(image, {}, {earlier}, 1).ok());
    CHECK(inherited(image, a));
    CHECK_FALSE(inherited(image, b));
    CHECK_FALSE(inherited(image, c));
    REQUIRE(image.table.blocks.size() == 1);
    CHECK(image.table.blocks[0].raw == 3 + 9); // without "same"
    CHECK(text_of(image, b) == "new");
    CHECK(text_of(image, c) == "elsewhere");
    REQUIRE(image.manifest.update);
    CHECK(image.manifest.update->inherited_files == 1);
    CHECK(image.manifest.update->inherited_bytes == 4);
    CHECK(image.manifest.update->bytes == 2 * 4096);

    Files third;
    third.add("a", "other");
    Image both = now.packed();
    const EarlierTable other{{"third", std::string(64, '2')}, "linux-64", third.packed().table};
    REQUIRE(make_update(both, {}, {earlier, other}, 1).ok());
    CHECK_FALSE(inherited(both, a)); // one of the two lacks it
    CHECK(both.manifest.update->onto.size() == 2);
}

TEST_CASE("a file with another file's digest stays out only with that one", "[update]") {
    auto files = [](const std::string& script, const std::string& prefix) {
        Files out;
        const auto target = out.add("bin/tool", script, {{format::RelocKind::cstring, 0, 4, prefix, 0}});
        out.add("RECORD", std::string(64, '0'), {{format::RelocKind::digest_hex, 0, 64, "", target}});
        return out;
    };
    const EarlierTable earlier{{"before", std::string(64, '1')}, "linux-64", files("/old/bin", "/old").packed().table};
    Image same = files("/old/bin", "/old").packed();
    REQUIRE(make_update(same, {}, {earlier}, 1).ok());
    CHECK((inherited(same, 0) && inherited(same, 1)));
    CHECK(same.table.blocks.empty());
    for (auto changed : {files("/old/lib", "/old"), files("/old/bin", "/ol_")}) {
        Image image = changed.packed();
        REQUIRE(make_update(image, {}, {earlier}, 1).ok());
        CHECK_FALSE(inherited(image, 0));
        CHECK_FALSE(inherited(image, 1));
        CHECK(text_of(image, 1) == std::string(64, '0'));
    }
}
