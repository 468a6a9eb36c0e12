#include "common/base/hash_file.hpp"

#include "common/base/aligned_buffer.hpp"
#include "common/base/interruption.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

namespace tinderbox {
namespace {

constexpr std::size_t piece_size = std::size_t{1} << 20, direct_piece_size = std::size_t{4} << 20;

// Kept by its thread for the next file: fresh memory for each of thousands of files takes as long as hashing them.
class Buffer {
  public:
    explicit Buffer(std::size_t size) : buffer_(std::exchange(spare_, AlignedBuffer())) {
        if (buffer_.size() < size) buffer_ = AlignedBuffer(size);
        size_ = std::min(buffer_.size(), round_up(size));
    }
    ~Buffer() { spare_ = std::move(buffer_); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    std::byte* data() { return buffer_.data(); }
    std::size_t size() const { return size_; }

  private:
    static thread_local AlignedBuffer spare_;
    AlignedBuffer buffer_;
    std::size_t size_ = 0;
};
thread_local AlignedBuffer Buffer::spare_;

// The ways in which bytes of one file are read.
class PieceReader {
  public:
    PieceReader(int fd, const FileRead& read) : fd_(fd), past_cache_(read.past_cache) {
        struct stat st;
        if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) return;
        end_ = static_cast<std::uint64_t>(st.st_size);
        // A small file is not worth a second descriptor.
        if (!read.past_cache || end_ < piece_size || read.offset % direct_alignment != 0) return;
        direct_ = reopen_direct(fd);
    }

    // A file that grows is read in smaller pieces; nothing else depends on its size.
    std::size_t buffer_size(std::uint64_t size) const {
        const std::size_t most = direct_ ? direct_piece_size : piece_size;
        return static_cast<std::size_t>(std::min<std::uint64_t>({most, size, end_ ? round_up(*end_ + 1) : most}));
    }

    // As pread(2). `size` is that of the buffer, but for the end of a range.
    ssize_t read(std::byte* buffer, std::size_t size, std::uint64_t at) {
        const auto offset = static_cast<off_t>(at);
        if (direct_ && size % direct_alignment == 0 && at % direct_alignment == 0) {
            // Bytes that somebody else has in the cache are cheaper there.
            iovec to{buffer, size};
            ssize_t n = ::preadv2(fd_, &to, 1, offset, RWF_NOWAIT);
            if (n > 0 && at + static_cast<std::uint64_t>(n) != *end_)
                n = static_cast<ssize_t>(round_down(static_cast<std::uint64_t>(n)));
            if (n > 0) return n;
            n = ::pread(direct_.get(), buffer, size, offset);
            if (n >= 0 || errno == EINTR) return n;
            direct_.reset(); // some file systems accept the flag and refuse to read
        }
        const ssize_t n = ::pread(fd_, buffer, size, offset);
        if (past_cache_ && n > 0 && end_ >= piece_size) (void)::posix_fadvise(fd_, offset, n, POSIX_FADV_DONTNEED);
        return n;
    }

    // Whether a shorter piece ended here because the file does.
    bool is_end(std::uint64_t at) const { return end_ && at >= *end_; }

  private:
    int fd_;
    Fd direct_;
    bool past_cache_;
    std::optional<std::uint64_t> end_; // of a regular file
};

} // namespace

Result<std::uint64_t> read_pieces(int fd, std::string_view name, const FileRead& read,
                                  const std::function<Status(ByteView)>& use) {
    PieceReader reader(fd, read);
    Buffer buffer(reader.buffer_size(read.size));
    std::uint64_t done = 0;
    while (done < read.size) {
        TRY(check_interrupted());
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), read.size - done));
        const ssize_t n = reader.read(buffer.data(), wanted, read.offset + done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error(fmt::format("cannot read '{}'", name), errno);
        if (n == 0 && read.size == UINT64_MAX) break;
        if (n == 0) return make_error(ErrorKind::storage, "'{}' became shorter while it was read", name);
        TRY(use(ByteView(buffer.data(), static_cast<std::size_t>(n))));
        done += static_cast<std::uint64_t>(n);
        if (read.progress) read.progress(done);
        if (read.size == UINT64_MAX && static_cast<std::size_t>(n) < wanted && reader.is_end(read.offset + done)) break;
    }
    return done;
}

Result<FileHash> hash_file(int fd, std::string_view name, const FileRead& read) {
    Sha256 hash;
    FileHash out;
    TRY_ASSIGN(out.size, read_pieces(fd, name, read, [&](ByteView piece) -> Status {
                   hash.update(piece);
                   return {};
               }));
    out.sha256 = hash.finish();
    return out;
}

Result<FileHash> hash_file(const fs::path& path, const FileRead& read) {
    TRY_ASSIGN(Fd fd, open_file(path, O_RDONLY));
    return hash_file(fd.get(), path.string(), read);
}

} // namespace tinderbox
