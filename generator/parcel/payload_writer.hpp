// Writing a parcel's payload: appended in any sizes, synced at the end.
#pragma once

#include "common/base/direct_file.hpp"

#include <memory>

namespace tinderbox::parcel {

// Not thread-safe. Errors are of kind `storage` and name the file.
class PayloadWriter {
  public:
    // `path` must not exist.
    static Result<std::unique_ptr<PayloadWriter>> create(const fs::path& path);
    Status append(ByteView bytes);
    std::uint64_t position() const { return flushed_ + filled_; } // bytes appended
    Status finish();

  private:
    PayloadWriter(DirectFile file);
    Status flush();

    DirectFile file_;
    AlignedBuffer buffer_;
    std::size_t filled_ = 0; // of the buffer
    std::uint64_t flushed_ = 0;
};

} // namespace tinderbox::parcel
