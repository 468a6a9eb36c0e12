#include "generator/parcel/payload_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace tinderbox {
namespace {
constexpr std::size_t alignment = 4096, capacity = 8u << 20;
}

void PayloadWriter::AlignedFree::operator()(std::byte* p) const { std::free(p); }

Result<std::unique_ptr<PayloadWriter>> PayloadWriter::create(const fs::path& path) {
    std::unique_ptr<PayloadWriter> out(new PayloadWriter);
    out->path_ = path;
    constexpr int flags = O_WRONLY | O_CREAT | O_EXCL;
    auto direct = open_file(path, flags | O_DIRECT);
    out->direct_ = direct.ok();
    if (direct.ok()) {
        out->fd_ = std::move(direct).value();
    } else {
        // tmpfs and some others refuse O_DIRECT, some after having created the file.
        ::unlink(path.c_str());
        TRY_ASSIGN(out->fd_, open_file(path, flags));
    }
    out->buffer_.reset(static_cast<std::byte*>(std::aligned_alloc(alignment, capacity)));
    if (!out->buffer_) return make_error(ErrorKind::storage, "out of memory for writing '{}'", path.string());
    return out;
}

Status PayloadWriter::flush(std::size_t bytes) {
    Status status = write_exact_at(fd_.get(), {buffer_.get(), bytes}, flushed_, path_.string());
    if (!status.ok() && direct_) {
        // A file system may accept the flag and refuse the write.
        if (::fcntl(fd_.get(), F_SETFL, 0) != 0) return status;
        direct_ = false;
        status = write_exact_at(fd_.get(), {buffer_.get(), bytes}, flushed_, path_.string());
    }
    TRY(std::move(status));
    if (!direct_) {
        // Starts writing this piece and waits for the one before, so that dirty memory stays bounded.
        ::sync_file_range(fd_.get(), static_cast<off_t>(flushed_), static_cast<off_t>(bytes), SYNC_FILE_RANGE_WRITE);
        if (flushed_ >= capacity) {
            const auto before = static_cast<off_t>(flushed_ - capacity);
            ::sync_file_range(fd_.get(), before, capacity,
                              SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
            ::posix_fadvise(fd_.get(), before, capacity, POSIX_FADV_DONTNEED);
        }
    }
    flushed_ += bytes;
    return {};
}

Status PayloadWriter::append(ByteView bytes) {
    position_ += bytes.size();
    while (!bytes.empty()) {
        const std::size_t n = std::min(bytes.size(), capacity - filled_);
        std::memcpy(buffer_.get() + filled_, bytes.data(), n);
        filled_ += n;
        bytes = bytes.subspan(n);
        if (filled_ < capacity) break;
        filled_ = 0;
        TRY(flush(capacity));
    }
    return {};
}

Status PayloadWriter::finish() {
    const std::size_t rounded = (filled_ + alignment - 1) / alignment * alignment;
    std::memset(buffer_.get() + filled_, 0, rounded - filled_);
    if (rounded > 0) TRY(flush(rounded));
    if (::ftruncate(fd_.get(), static_cast<off_t>(position_)) != 0)
        return errno_error(fmt::format("cannot cut '{}' to its length", path_.string()), errno);
    if (::fsync(fd_.get()) != 0) return errno_error(fmt::format("cannot write '{}' to disk", path_.string()), errno);
    fd_.reset();
    return {};
}

} // namespace tinderbox
