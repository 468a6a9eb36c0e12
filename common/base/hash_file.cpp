#include "common/base/hash_file.hpp"

#include "common/base/aligned_buffer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace tinderbox {
namespace {

constexpr std::size_t piece_size = std::size_t{1} << 20;

} // namespace

Result<std::uint64_t> read_pieces(int fd, std::string_view name, const FileRead& read,
                                  const std::function<Status(ByteView)>& use) {
    AlignedBuffer buffer(static_cast<std::size_t>(std::min<std::uint64_t>(piece_size, read.size)));
    std::uint64_t done = 0;
    while (done < read.size) {
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(piece_size, read.size - done));
        const auto at = static_cast<off_t>(read.offset + done);
        const ssize_t n = ::pread(fd, buffer.data(), wanted, at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error(fmt::format("cannot read '{}'", name), errno);
        if (n == 0 && read.size == UINT64_MAX) break;
        if (n == 0) return make_error(ErrorKind::storage, "'{}' became shorter while it was read", name);
        TRY(use(ByteView(buffer.data(), static_cast<std::size_t>(n))));
        if (read.drop_cached) (void)::posix_fadvise(fd, at, n, POSIX_FADV_DONTNEED);
        done += static_cast<std::uint64_t>(n);
        if (read.progress) read.progress(done);
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
