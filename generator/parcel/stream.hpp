// The two ways from files to blocks: many small files share blocks, a large file has its own.
//
// A stream yields raw blocks one after another; one thread at a time drives it. The facts about its files (hashes,
// relocations, ELF facts) are complete when it has ended. Block numbers count from the stream's first.
#pragma once

#include "generator/elf/fatbin.hpp"
#include "generator/parcel/file_class.hpp"

#include <map>
#include <memory>
#include <mutex>

namespace tinderbox::parcel {

// A pool of buffers of block_raw_size (plus the room that zstd may need): fresh pages cost more than compressing.
class BufferPool {
  public:
    using Buffer = std::shared_ptr<Bytes>;
    Buffer take();
    static Buffer own(Bytes bytes) { return std::make_shared<Bytes>(std::move(bytes)); }

  private:
    struct State {
        std::mutex mutex;
        std::vector<std::unique_ptr<Bytes>> free;
    };
    std::shared_ptr<State> state_ = std::make_shared<State>();
};

struct StreamPiece { // one raw block
    BufferPool::Buffer buffer;
    std::size_t size = 0;
    FileClass file_class = FileClass::other;
    ByteView bytes() const { return ByteView(*buffer).first(size); }
};

struct PackedContent {
    format::Content content; // block counts from the stream's first
    std::optional<elf::ElfInfo> elf;
    std::optional<elf::FatbinInfo> device; // its code for GPUs
};

struct StreamResult {
    std::vector<PackedContent> contents;
    std::map<std::size_t, std::size_t> content_of_entry; // entry → index into contents
    std::vector<FileMismatch> mismatches;
};

struct StreamContext {
    const Artifact& artifact;
    BufferPool& pool;
    const std::function<void(std::uint64_t)>& progress;
};

class Stream {
  public:
    virtual ~Stream() = default;
    virtual Result<std::optional<StreamPiece>> next() = 0;
    virtual std::uint64_t next_size() const { return format::block_raw_size; } // at most, of the next piece
    std::uint64_t weight = 0; // estimated cost, for spreading streams over lanes
    StreamResult result;
};

std::unique_ptr<Stream> make_small_stream(StreamContext context, FileClass file_class,
                                          std::vector<std::size_t> entries);
// Entries of one size. Only equal sizes can be equal files, so only these are hashed before they are packed.
std::unique_ptr<Stream> make_large_stream(StreamContext context, std::vector<std::size_t> entries);

} // namespace tinderbox::parcel
