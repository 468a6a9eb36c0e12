#include "generator/parcel/payload_writer.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

namespace tinderbox::parcel {
namespace {

constexpr std::size_t capacity = 8u << 20; // one write

} // namespace

PayloadWriter::PayloadWriter(DirectFile file) : file_(std::move(file)), buffer_(capacity) {}

Result<std::unique_ptr<PayloadWriter>> PayloadWriter::create(const fs::path& path) {
    TRY_ASSIGN(Fd fd, open_file(path, O_WRONLY | O_CREAT | O_EXCL));
    return std::unique_ptr<PayloadWriter>(new PayloadWriter(DirectFile(std::move(fd), path)));
}

Status PayloadWriter::flush() {
    if (filled_ == 0) return {};
    TRY(file_.write_at(ByteView(buffer_.data(), filled_), flushed_));
    flushed_ += filled_;
    filled_ = 0;
    return {};
}

Status PayloadWriter::append(ByteView bytes) {
    while (!bytes.empty()) {
        const std::size_t n = std::min(bytes.size(), capacity - filled_);
        std::memcpy(buffer_.data() + filled_, bytes.data(), n);
        filled_ += n;
        bytes = bytes.subspan(n);
        if (filled_ == capacity) TRY(flush());
    }
    return {};
}

Status PayloadWriter::finish() {
    TRY(flush());
    return file_.finish(flushed_);
}

} // namespace tinderbox::parcel
