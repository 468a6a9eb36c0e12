// Reads files back from a parcel, to compile them or to run an interpreter that is not installed.
#pragma once

#include "generator/parcel/parcel.hpp"

namespace tinderbox::assemble {

// Not thread-safe. Keeps the last block, so contents are best read in their own order.
class ContentReader {
  public:
    explicit ContentReader(const parcel::Parcel& parcel) : parcel_(parcel) {}
    Result<Bytes> read(const format::Content& content);

  private:
    Result<const Bytes*> block(std::uint32_t index);
    const parcel::Parcel& parcel_;
    Fd fd_;
    std::uint32_t held_ = UINT32_MAX;
    Bytes raw_;
};

} // namespace tinderbox::assemble
