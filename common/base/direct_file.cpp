#include "common/base/direct_file.hpp"

#include "common/base/text.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace tinderbox {

// tmpfs and some others refuse the flag.
DirectFile::DirectFile(Fd fd, fs::path path) : fd_(std::move(fd)), path_(std::move(path)) {
    const int flags = ::fcntl(fd_.get(), F_GETFL);
    direct_ = ::fcntl(fd_.get(), F_SETFL, flags | O_DIRECT) == 0;
}

void DirectFile::leave_direct() {
    const int flags = ::fcntl(fd_.get(), F_GETFL);
    ::fcntl(fd_.get(), F_SETFL, flags & ~O_DIRECT);
    direct_ = false;
}

Status DirectFile::write_at(ByteView piece, std::uint64_t offset) {
    if (direct_ && piece.size() % direct_alignment != 0) leave_direct();
    Status status = write_exact_at(fd_.get(), piece, offset, path_.string());
    if (!status.ok() && direct_) { // some file systems accept the flag and refuse the write
        leave_direct();
        status = write_exact_at(fd_.get(), piece, offset, path_.string());
    }
    TRY(std::move(status));
    if (!direct_) bound_dirty_pages(offset, piece.size());
    return {};
}

// Starts writing this piece and waits for the one before.
void DirectFile::bound_dirty_pages(std::uint64_t offset, std::size_t size) {
    ::sync_file_range(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(size), SYNC_FILE_RANGE_WRITE);
    if (before_size_ > 0) {
        const auto before = static_cast<off_t>(before_), length = static_cast<off_t>(before_size_);
        ::sync_file_range(fd_.get(), before, length,
                          SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
        ::posix_fadvise(fd_.get(), before, length, POSIX_FADV_DONTNEED);
    }
    before_ = offset;
    before_size_ = size;
}

// Space that was reserved beyond `size` is given back.
Status DirectFile::finish(std::uint64_t size, mode_t mode) {
    if (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0 || (mode != 0 && ::fchmod(fd_.get(), mode) != 0) ||
        ::fsync(fd_.get()) != 0)
        return errno_error("cannot write '" + path_.string() + "' to disk", errno);
    fd_.reset();
    return {};
}

} // namespace tinderbox
