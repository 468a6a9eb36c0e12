#include "runtime/io/run_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace tinderbox::io {
namespace {

// False where one of them cannot be looked at.
bool both(int a, int b, bool (*same)(const struct stat&, const struct stat&)) {
    struct stat first, second;
    return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && same(first, second);
}

bool same_device(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev; }

} // namespace

RunReader::RunReader(const format::RunFile& run, bool no_direct, int target_fd)
    : run_(run), kept_(!both(run.extent_at(0).fd, target_fd, same_device)), direct_(!no_direct && !kept_) {}

int RunReader::direct_fd(int plain_fd) {
    std::lock_guard lock(mutex_);
    auto [entry, added] = descriptors_.try_emplace(plain_fd);
    if (!added) return entry->second.get();
    Fd fd = reopen_direct(plain_fd);
    // The path may name another file by now.
    if (!fd) fd = Fd(::open(run_.path().c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
    if (fd && !both(fd.get(), plain_fd, same_file)) fd.reset();
    if (!fd) direct_ = false;
    entry->second = std::move(fd);
    return entry->second.get();
}

std::optional<RunReader::Where> RunReader::where(std::uint64_t offset, std::size_t size) {
    const format::RunFile::Extent extent = run_.extent_at(offset);
    if (extent.contiguous < size) return std::nullopt;
    int fd = direct_ ? direct_fd(extent.fd) : -1;
    if (fd < 0) return Where{extent.fd, false, extent.offset, size, 0};
    std::uint64_t first = round_down(extent.offset);
    return Where{fd, true, first, static_cast<std::size_t>(round_up(extent.offset + size) - first),
                 static_cast<std::size_t>(extent.offset - first)};
}

void RunReader::forget(const Where& where) const {
    if (!where.direct && !kept_)
        (void)::posix_fadvise(where.fd, static_cast<off_t>(where.offset), static_cast<off_t>(where.size),
                              POSIX_FADV_DONTNEED);
}

} // namespace tinderbox::io
