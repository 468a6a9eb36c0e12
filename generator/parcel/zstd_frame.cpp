#include "generator/parcel/zstd_frame.hpp"

#include <zstd.h>

namespace tinderbox::parcel {

Result<Bytes> zstd_frame(ByteView raw, int level) {
    Bytes out(ZSTD_compressBound(raw.size()));
    const std::size_t size = ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), level);
    if (ZSTD_isError(size)) return make_error(ErrorKind::bug, "zstd: {}", ZSTD_getErrorName(size));
    out.resize(size);
    return out;
}

} // namespace tinderbox::parcel
