#include "runtime/io/files.hpp"

#include "common/base/aligned_buffer.hpp"
#include "common/base/last_component.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace tinderbox::io {
namespace {

// Buffered files of this size go through the ring.
constexpr std::size_t ring_size = 1u << 20;

const char* name_of(const Tree& tree, std::uint32_t destination) {
    return last_component(tree.table.destinations[destination].path).data();
}

Error cannot(std::string_view what, const Tree& tree, std::uint32_t destination, int error) {
    return errno_error(fmt::format("cannot {} '{}'", what, tree.path(destination)), error);
}

Result<Fd> create_file(const Tree& tree, std::uint32_t destination, int flags) {
    if (int error = fault(tree.faults, Faults::Call::open, tree.table.destinations[destination].path))
        return cannot("create", tree, destination, error);
    TRY_ASSIGN(Directories::Handle directory, tree.directories.open(tree.plan.directory_of[destination]));
    const char* name = name_of(tree, destination);
    flags |= O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = ::openat(directory.fd, name, flags, 0600);
    if (fd < 0 && errno == EEXIST && tree.replace && ::unlinkat(directory.fd, name, 0) == 0)
        fd = ::openat(directory.fd, name, flags, 0600);
    if (fd < 0) return cannot("create", tree, destination, errno);
    return Fd(fd);
}

Status write_all(const Tree& tree, std::uint32_t destination, int fd, ByteView data, std::uint64_t offset) {
    while (!data.empty()) {
        std::size_t size = data.size();
        if (tree.faults) {
            if (int error = fault(tree.faults, Faults::Call::write, tree.table.destinations[destination].path))
                return cannot("write", tree, destination, error);
            size = std::clamp<std::size_t>(tree.faults->shorten(size), 1, size);
        }
        ssize_t n = ::pwrite(fd, data.data(), size, static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return cannot("write", tree, destination, errno);
        data = data.subspan(static_cast<std::size_t>(n));
        offset += static_cast<std::uint64_t>(n);
    }
    return {};
}

// The mode is set, not asked for at creation: the umask has no say.
Status set_attributes(const Tree& tree, std::uint32_t destination, int fd) {
    const format::Destination& d = tree.table.destinations[destination];
    if (::fchmod(fd, d.mode & tree.mode_mask) != 0) return cannot("set the mode of", tree, destination, errno);
    timespec time{static_cast<time_t>(d.mtime), 0};
    timespec times[2] = {time, time};
    if (::futimens(fd, times) != 0) return cannot("set the time of", tree, destination, errno);
    return {};
}

} // namespace

std::string Tree::path(std::uint32_t destination) const {
    return directories.shown_root() + "/" + plan.path_of(table.destinations[destination]);
}

void WritebackRing::add(std::shared_ptr<Fd> fd, std::uint64_t offset, std::uint64_t size) {
    ::sync_file_range(fd->get(), static_cast<off_t>(offset), static_cast<off_t>(size), SYNC_FILE_RANGE_WRITE);
    std::vector<Range> old;
    {
        std::lock_guard lock(mutex_);
        ranges_.push_back({std::move(fd), offset, size});
        held_ += size;
        while (held_ > capacity_) {
            held_ -= ranges_.front().size;
            old.push_back(std::move(ranges_.front()));
            ranges_.pop_front();
        }
    }
    for (const Range& range : old) retire(range);
}

void WritebackRing::drain() {
    std::deque<Range> all;
    {
        std::lock_guard lock(mutex_);
        all.swap(ranges_);
        held_ = 0;
    }
    for (const Range& range : all) retire(range);
}

// Failures are ignored: this is advice. A write error comes back from syncfs.
void WritebackRing::retire(const Range& range) {
    auto offset = static_cast<off_t>(range.offset);
    auto size = static_cast<off_t>(range.size);
    ::sync_file_range(range.fd->get(), offset, size,
                      SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    ::posix_fadvise(range.fd->get(), offset, size, POSIX_FADV_DONTNEED);
}

Status write_small_file(const Tree& tree, std::uint32_t destination, ByteView data) {
    TRY_ASSIGN(Fd fd, create_file(tree, destination, 0));
    TRY(write_all(tree, destination, fd.get(), data, 0));
    TRY(set_attributes(tree, destination, fd.get()));
    if (data.size() >= ring_size && tree.ring) {
        tree.ring->add(std::make_shared<Fd>(std::move(fd)), 0, data.size());
        return {};
    }
    // Network file systems report a full disk or quota here.
    if (::close(fd.release()) != 0 && errno != EINTR) return cannot("write", tree, destination, errno);
    return {};
}

namespace {

// The file system has no hard links, or none between these two directories, or the file has too many.
bool cannot_link(int error) {
    return error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EXDEV || error == EMLINK ||
           error == EACCES;
}

Result<Sha256Digest> copy_bytes(const Tree& tree, std::uint32_t destination, int source, int to) {
    std::vector<std::byte> piece(ring_size);
    Sha256 hash;
    for (std::uint64_t at = 0;;) {
        ssize_t n = ::pread(source, piece.data(), piece.size(), static_cast<off_t>(at));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return cannot("read what becomes", tree, destination, errno);
        if (n == 0) return hash.finish();
        const ByteView bytes = ByteView(piece).first(static_cast<std::size_t>(n));
        hash.update(bytes);
        TRY(write_all(tree, destination, to, bytes, at));
        at += static_cast<std::uint64_t>(n);
    }
}

Status finish_file(const Tree& tree, std::uint32_t destination, Fd fd) {
    TRY(set_attributes(tree, destination, fd.get()));
    if (::close(fd.release()) != 0 && errno != EINTR) return cannot("write", tree, destination, errno);
    return {};
}

Status copy_file(const Tree& tree, std::uint32_t destination, int source) {
    TRY_ASSIGN(Fd fd, create_file(tree, destination, 0));
    TRY(copy_bytes(tree, destination, source, fd.get()));
    return finish_file(tree, destination, std::move(fd));
}

Error changed_meanwhile(const Directory& old, const char* name) {
    return make_error(ErrorKind::storage, "'{}' was changed while the update read it; run the installer again",
                      old.shown(name));
}

// A second name serves only a file that already is as it shall be.
bool may_be_linked(const Tree& tree, const format::Destination& d, const struct stat& st) {
    return st.st_uid == ::geteuid() && (st.st_mode & 07777) == (d.mode & tree.mode_mask) &&
           st.st_mtim.tv_sec == d.mtime && st.st_mtim.tv_nsec == 0;
}

} // namespace

Status make_hard_link(const Tree& tree, std::uint32_t destination, std::uint32_t source) {
    TRY_ASSIGN(Directories::Handle from, tree.directories.open(tree.plan.directory_of[source]));
    TRY_ASSIGN(Directories::Handle to, tree.directories.open(tree.plan.directory_of[destination]));
    const char *old_name = name_of(tree, source), *new_name = name_of(tree, destination);
    int error = fault(tree.faults, Faults::Call::link, tree.table.destinations[destination].path);
    if (error == 0 && ::linkat(from.fd, old_name, to.fd, new_name, 0) != 0) error = errno;
    if (error == EEXIST && tree.replace) {
        error = 0;
        if (::unlinkat(to.fd, new_name, 0) != 0 || ::linkat(from.fd, old_name, to.fd, new_name, 0) != 0) error = errno;
    }
    if (error == 0) return {};
    if (!cannot_link(error)) return cannot("create", tree, destination, error);
    Fd fd(::openat(from.fd, old_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd) return cannot("read what becomes", tree, destination, errno);
    return copy_file(tree, destination, fd.get());
}

Status inherit_file(const Tree& tree, std::uint32_t destination, const Directory& old,
                    const format::InstalledFile& expected) {
    const format::Destination& d = tree.table.destinations[destination];
    const char* name = name_of(tree, destination);
    TRY_ASSIGN(Directories::Handle to, tree.directories.open(tree.plan.directory_of[destination]));
    if (tree.replace) (void)::unlinkat(to.fd, name, 0); // of an interrupted run: it may be a second name
    struct stat st;
    if (const int error = old.look(name, st); error != 0)
        return errno_error(fmt::format("cannot look at '{}'", old.shown(name)), error);
    if (!S_ISREG(st.st_mode) || static_cast<std::uint64_t>(st.st_size) != expected.size)
        return changed_meanwhile(old, name);
    if (may_be_linked(tree, d, st)) {
        int error = fault(tree.faults, Faults::Call::link, d.path);
        if (error == 0 && ::linkat(old.fd(), name, to.fd, name, 0) != 0) error = errno;
        if (error == 0) return {};
        if (!cannot_link(error)) return cannot("create", tree, destination, error);
    }
    TRY_ASSIGN(const Fd source, old.open_file(name, O_RDONLY));
    TRY_ASSIGN(Fd fd, create_file(tree, destination, 0));
    if (::ioctl(fd.get(), FICLONE, source.get()) != 0) {
        TRY_ASSIGN(const Sha256Digest copied, copy_bytes(tree, destination, source.get(), fd.get()));
        if (copied != expected.sha256) return changed_meanwhile(old, name);
    }
    return finish_file(tree, destination, std::move(fd));
}

Status make_symlink(const Tree& tree, std::uint32_t destination, const std::string& target) {
    TRY_ASSIGN(Directories::Handle directory, tree.directories.open(tree.plan.directory_of[destination]));
    const char* name = name_of(tree, destination);
    int error = fault(tree.faults, Faults::Call::open, tree.table.destinations[destination].path);
    if (error == 0 && ::symlinkat(target.c_str(), directory.fd, name) != 0) error = errno;
    if (error == EEXIST && tree.replace) {
        error = 0;
        if (::unlinkat(directory.fd, name, 0) != 0 || ::symlinkat(target.c_str(), directory.fd, name) != 0)
            error = errno;
    }
    if (error != 0) return cannot("create the link", tree, destination, error);
    timespec time{static_cast<time_t>(tree.table.destinations[destination].mtime), 0};
    timespec times[2] = {time, time};
    // Some file systems have no times for links.
    (void)::utimensat(directory.fd, name, times, AT_SYMLINK_NOFOLLOW);
    return {};
}

Status LargeFile::open(const Tree& tree) {
    std::lock_guard lock(mutex_);
    if (open_) return {};
    if (!begun_) {
        TRY(open_new(tree));
    } else {
        TRY_ASSIGN(Directories::Handle directory, tree.directories.open(tree.plan.directory_of[destination_]));
        const char* name = name_of(tree, destination_);
        int flags = O_WRONLY | O_NOFOLLOW | O_CLOEXEC;
        int fd = direct_ ? ::openat(directory.fd, name, flags | O_DIRECT) : -1;
        if (fd < 0) {
            direct_ = false;
            fd = ::openat(directory.fd, name, flags);
        }
        if (fd < 0) return cannot("open", tree, destination_, errno);
        fd_ = std::make_shared<Fd>(fd);
    }
    open_ = true;
    return {};
}

Status LargeFile::open_new(const Tree& tree) {
    Result<Fd> fd = create_file(tree, destination_, direct_ ? O_DIRECT : 0);
    if (!fd.ok() && direct_) { // a file system that refuses O_DIRECT says so at open()
        direct_ = false;
        Tree again = tree;
        again.replace = true; // some create the file all the same
        fd = create_file(again, destination_, 0);
    }
    if (!fd.ok()) return std::move(fd).error();
    fd_ = std::make_shared<Fd>(*std::move(fd));
    // Contiguous extents, and a full disk is noticed now. Where it is not supported nothing is lost.
    std::uint64_t size = tree.table.contents[tree.table.destinations[destination_].content].size;
    if (::fallocate(fd_->get(), 0, 0, static_cast<off_t>(round_up(size))) != 0 &&
        (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
        return cannot("write", tree, destination_, errno);
    return {};
}

Status LargeFile::write_now(const Tree& tree, ByteView data, std::uint64_t offset) {
    TRY(write_all(tree, destination_, fd(), data, offset));
    if (tree.ring) tree.ring->add(fd_, offset, data.size());
    return {};
}

Status LargeFile::finish_buffered(const Tree& tree, ByteView data, std::uint64_t offset) {
    direct_ = false;
    int flags = ::fcntl(fd(), F_GETFL);
    if (flags < 0 || ::fcntl(fd(), F_SETFL, flags & ~O_DIRECT) != 0) return cannot("write", tree, destination_, errno);
    return write_now(tree, data, offset);
}

Status LargeFile::block_done(const Tree& tree) {
    if (remaining_.fetch_sub(1) != 1) return {};
    std::uint64_t size = tree.table.contents[tree.table.destinations[destination_].content].size;
    if (::ftruncate(fd(), static_cast<off_t>(size)) != 0) return cannot("write", tree, destination_, errno);
    TRY(set_attributes(tree, destination_, fd()));
    fd_.reset(); // the ring may still hold it
    return {};
}

} // namespace tinderbox::io
