// Writing a parcel's payload: in order, past the page cache where the file system allows it (plain buffered writing
// costs several times as much processor time: performance.md), synced at the end.
#pragma once

#include "common/base/file.hpp"

#include <memory>

namespace tinderbox {

class PayloadWriter {
  public:
    // `path` must not exist.
    static Result<std::unique_ptr<PayloadWriter>> create(const fs::path& path);
    Status append(ByteView bytes);
    std::uint64_t position() const { return position_; }
    // Writes what is left, cuts the file to its length, fsyncs.
    Status finish();

  private:
    struct AlignedFree {
        void operator()(std::byte* p) const;
    };
    PayloadWriter() = default;
    Status flush(std::size_t bytes);

    fs::path path_;
    Fd fd_;
    bool direct_ = false;
    std::unique_ptr<std::byte[], AlignedFree> buffer_;
    std::size_t filled_ = 0;
    std::uint64_t position_ = 0, flushed_ = 0;
};

} // namespace tinderbox
