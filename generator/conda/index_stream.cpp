#include "generator/conda/index_stream.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>

namespace tinderbox::conda {

void IndexStream::Free::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

Result<std::unique_ptr<IndexStream>> IndexStream::open(const fs::path& path, const std::string& shown,
                                                       std::atomic<std::uint64_t>& read) {
    auto out = std::unique_ptr<IndexStream>(new IndexStream(read));
    TRY_ASSIGN(out->fd_, open_file(path, O_RDONLY | O_CLOEXEC));
    TRY_ASSIGN(out->file_size_, tinderbox::file_size(out->fd_.get(), path.string()));
    out->shown_ = shown;
    out->in_.resize(1u << 18);
    TRY(out->refill());
    static constexpr unsigned char zstd_magic[4] = {0x28, 0xb5, 0x2f, 0xfd};
    if (out->filled_ >= 4 &&
        std::equal(zstd_magic, zstd_magic + 4, reinterpret_cast<const unsigned char*>(out->in_.data())))
        out->zstd_.reset(ZSTD_createDCtx());
    return out;
}

Result<std::size_t> IndexStream::read(std::span<char> to) {
    if (zstd_) return decompress(to);
    if (used_ == filled_) return read_file(to);
    const std::size_t n = std::min(filled_ - used_, to.size());
    std::copy_n(in_.data() + used_, n, to.data());
    used_ += n;
    return n;
}

Result<std::size_t> IndexStream::decompress(std::span<char> to) {
    ZSTD_outBuffer out{to.data(), to.size(), 0};
    while (out.pos == 0) {
        if (used_ == filled_) TRY(refill());
        ZSTD_inBuffer in{in_.data(), filled_, used_};
        const std::size_t before = in.pos;
        const std::size_t state = ZSTD_decompressStream(zstd_.get(), &out, &in);
        if (ZSTD_isError(state))
            return make_error(ErrorKind::network, "it is not valid zstd data ({})", ZSTD_getErrorName(state));
        used_ = in.pos;
        if (in.pos != before || out.pos != 0) open_frame_ = state != 0;
        if (out.pos == 0 && filled_ == 0) {
            if (open_frame_) return make_error(ErrorKind::network, "it is cut short");
            return std::size_t{0};
        }
    }
    return out.pos;
}

Result<std::size_t> IndexStream::read_file(std::span<char> to) {
    ssize_t n;
    do n = ::read(fd_.get(), to.data(), to.size());
    while (n < 0 && errno == EINTR);
    if (n < 0) return errno_error("cannot read '" + shown_ + "'", errno);
    read_ += static_cast<std::size_t>(n);
    return static_cast<std::size_t>(n);
}

Status IndexStream::refill() {
    TRY_ASSIGN(filled_, read_file(in_));
    used_ = 0;
    return {};
}

} // namespace tinderbox::conda
