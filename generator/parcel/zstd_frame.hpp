// Bytes as one zstd frame, for what is compressed in one go: tables, indexes, generated files. Thread-safe.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

namespace tinderbox::parcel {

// Error (bug): zstd refuses, which it does for want of memory alone.
Result<Bytes> zstd_frame(ByteView raw, int level);

} // namespace tinderbox::parcel
