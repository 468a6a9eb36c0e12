// Writing one large file once, in order, at the disk's speed: aligned pieces written past the page cache where the
// file system allows it, hashed on the way, and renamed into place when whole.
#pragma once

#include "common/base/file.hpp"
#include "common/base/hash.hpp"

#include <memory>

namespace tinderbox {

// Reads ranges of a parcel's payload, past the page cache where possible. Not thread-safe.
class PayloadReader {
  public:
    explicit PayloadReader(fs::path path) : path_(std::move(path)) {}
    // The view is valid until the next call.
    Result<ByteView> read(std::uint64_t offset, std::size_t size);

  private:
    struct AlignedFree {
        void operator()(std::byte* p) const;
    };
    fs::path path_;
    Fd fd_;
    bool direct_ = false;
    std::unique_ptr<std::byte[], AlignedFree> buffer_;
    std::size_t capacity_ = 0;
    // What the buffer holds: neighbouring blocks are read in one piece.
    std::uint64_t held_offset_ = 0;
    std::size_t held_size_ = 0;
};

class OutputStream {
  public:
    // A temporary file beside `path`; `size` bytes are reserved at once, so that a full disk is known early.
    static Result<std::unique_ptr<OutputStream>> create(const fs::path& path, std::uint64_t size);
    ~OutputStream(); // removes the temporary file unless committed
    Status append(ByteView bytes);
    Status append_zeros(std::uint64_t count);
    // Copies a block and checks its hash: a damaged cache must not become a damaged installer.
    Status append_from(PayloadReader& reader, std::uint64_t offset, std::size_t size, const Sha256Digest& expected);
    std::uint64_t position() const;
    Result<Sha256Digest> commit(mode_t mode);

  private:
    OutputStream();
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace tinderbox
