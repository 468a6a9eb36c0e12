// Fuzz target for the answers of a channel: repodata.json as a stream into an index and back, in pieces whose size the
// input decides; the same bytes as a shard and as a shard index. See zip_fuzz.cpp for how it is run.
#include "generator/conda/repodata_index.hpp"
#include "generator/conda/repodata_json.hpp"
#include "generator/conda/shards.hpp"

#include "tests/fuzz/mutate.hpp"

#include <cstdint>

using namespace tinderbox;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    auto count = [&](std::size_t step) -> std::optional<std::uint64_t> {
        std::size_t at = 0;
        std::uint64_t taken = 0;
        conda::RepodataIndexWriter writer;
        auto head = conda::read_repodata(
            [&](std::span<char> to) -> Result<std::size_t> {
                std::size_t n = std::min({to.size(), step, text.size() - at});
                std::copy_n(text.data() + at, n, to.data());
                at += n;
                return n;
            },
            [&](const conda::PackageRecord& record) -> Status {
                ++taken;
                return writer.add(record);
            });
        if (!head.ok()) return std::nullopt;
        return taken;
    };
    // The size of the pieces makes no difference.
    if (count(1u << 20) != count(1 + size % 7)) __builtin_trap();
    ByteView bytes{reinterpret_cast<const std::byte*>(data), size};
    (void)conda::parse_shard(bytes, "a");
    (void)conda::parse_shard_index(bytes);
    (void)conda::decompress_zstd(bytes, 1u << 20);
    return 0;
}
