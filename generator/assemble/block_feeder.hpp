// Reads the blocks of an image in order, ahead of their writer, and checks every one against its hash.
//
// Copying gigabytes from parcels into one file reaches the disk's speed only when reading, hashing and writing overlap.
// So a few threads read exact ranges past the page cache and hash them, in order.
#pragma once

#include "common/base/file.hpp"
#include "common/base/hash.hpp"

#include <memory>
#include <vector>

namespace tinderbox::assemble {

struct BlockRead {
    std::uint32_t file = 0; // index into the paths
    std::uint64_t offset = 0;
    std::uint32_t size = 0;
    Sha256Digest sha256{};
};

class BlockFeeder {
  public:
    // Starts reading `reads` from `paths` in order, at most `ahead` blocks in memory.
    BlockFeeder(std::vector<fs::path> paths, std::vector<BlockRead> reads, unsigned threads = 2, std::size_t ahead = 8);
    ~BlockFeeder();
    // The next block, in order; valid until the next call. Errors of kind storage: unreadable, or damaged in the cache.
    Result<ByteView> next();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace tinderbox::assemble
