#include "common/base/file.hpp"

#include "common/base/directory.hpp"
#include "common/base/input_file.hpp"
#include "common/base/interruption.hpp"
#include "common/base/process.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace tinderbox {

void Fd::reset(int fd) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

namespace {

Status check_regular(const struct stat& st, const fs::path& path) {
    const std::string_view kind = irregular_kind(st.st_mode);
    if (kind.empty()) return {};
    return make_error(ErrorKind::usage, "'{}' is {}; a regular file is needed", path.string(), kind);
}

// A FIFO without a writer must not hold us up, and opening a device may do something (a watchdog, a tape), so the name
// is asked first. What is open by then may be something else again.
Result<Fd> open_regular(const fs::path& path, int flags) {
    struct stat st;
    if (::fstatat(AT_FDCWD, path.c_str(), &st, flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0) == 0 &&
        !S_ISLNK(st.st_mode))
        TRY(check_regular(st, path));
    Fd fd(::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd || ::fstat(fd.get(), &st) != 0) return errno_error(fmt::format("cannot open '{}'", path.string()), errno);
    TRY(check_regular(st, path));
    // With the flag io_uring gives up instead of waiting for the disk.
    if (::fcntl(fd.get(), F_SETFL, flags & ~O_NONBLOCK) != 0)
        return errno_error(fmt::format("cannot open '{}'", path.string()), errno);
    return fd;
}

} // namespace

std::string_view irregular_kind(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFREG:
        return {};
    case S_IFDIR:
        return "a directory";
    case S_IFIFO:
        return "a pipe";
    case S_IFSOCK:
        return "a socket";
    case S_IFLNK:
        return "a symbolic link";
    default:
        return "a device";
    }
}

Result<Fd> open_file(const fs::path& path, int flags, mode_t mode) {
    if ((flags & O_ACCMODE) == O_RDONLY && (flags & (O_DIRECTORY | O_PATH | O_CREAT)) == 0)
        return open_regular(path, flags);
    int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
    if (fd < 0) return errno_error(fmt::format("cannot open '{}'", path.string()), errno);
    return Fd(fd);
}

Fd reopen_direct(int fd) {
    return Fd(::open(fmt::format("/proc/self/fd/{}", fd).c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
}

Result<std::uint64_t> file_size(int fd, std::string_view name) {
    struct stat st;
    if (::fstat(fd, &st) != 0) return errno_error(fmt::format("cannot read the size of '{}'", name), errno);
    return static_cast<std::uint64_t>(st.st_size);
}

Status read_exact_at(int fd, std::span<std::byte> data, std::uint64_t offset, std::string_view name) {
    std::size_t done = 0;
    while (done < data.size()) {
        ssize_t n = ::pread(fd, data.data() + done, data.size() - done, static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error(fmt::format("cannot read '{}'", name), errno);
        if (n == 0)
            return make_error(ErrorKind::storage, "'{}' ends at byte {}; {} bytes were expected at {}", name,
                              offset + done, data.size(), offset);
        done += static_cast<std::size_t>(n);
    }
    return {};
}

Status write_exact_at(int fd, ByteView data, std::uint64_t offset, std::string_view name) {
    std::size_t done = 0;
    while (done < data.size()) {
        ssize_t n = ::pwrite(fd, data.data() + done, data.size() - done, static_cast<off_t>(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error(fmt::format("cannot write '{}'", name), errno);
        done += static_cast<std::size_t>(n);
    }
    return {};
}

Status write_exact(int fd, ByteView data, std::string_view name) {
    while (!data.empty()) {
        ssize_t n = ::write(fd, data.data(), data.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error(fmt::format("cannot write '{}'", name), errno);
        data = data.subspan(static_cast<std::size_t>(n));
    }
    return {};
}

namespace {
template <class Container> Result<Container> read_whole(int fd, std::string_view name, std::uint64_t limit) {
    struct stat st;
    if (::fstat(fd, &st) != 0) return errno_error(fmt::format("cannot read '{}'", name), errno);
    if (S_ISDIR(st.st_mode)) return make_error(ErrorKind::storage, "'{}' is a directory; a file is needed", name);
    // st_size is only a hint: /proc files say 0, and a file may grow. A sparse file says more than it holds.
    if (S_ISREG(st.st_mode) && static_cast<std::uint64_t>(st.st_size) > limit) return larger_than(name, limit);
    Container out;
    out.resize(static_cast<std::size_t>(st.st_size) + 1);
    std::size_t size = 0;
    for (;;) {
        if (size > limit) return larger_than(name, limit);
        if (size == out.size()) out.resize(out.size() * 2 + 4096);
        ssize_t n = ::read(fd, out.data() + size, out.size() - size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error(fmt::format("cannot read '{}'", name), errno);
        if (n == 0) break;
        size += static_cast<std::size_t>(n);
    }
    out.resize(size);
    return out;
}
template <class Container> Result<Container> read_whole(const fs::path& path, std::uint64_t limit) {
    TRY_ASSIGN(Fd fd, open_file(path, O_RDONLY));
    return read_whole<Container>(fd.get(), path.string(), limit);
}
} // namespace

Result<std::string> read_text(const fs::path& path, std::uint64_t limit) {
    return read_whole<std::string>(path, limit);
}
Result<std::string> read_text(int fd, std::string_view name, std::uint64_t limit) {
    return read_whole<std::string>(fd, name, limit);
}
Result<Bytes> read_bytes(const fs::path& path, std::uint64_t limit) { return read_whole<Bytes>(path, limit); }

Status write_atomically(const fs::path& path, ByteView data, mode_t mode) {
    const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
    Fd fd(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return errno_error(fmt::format("cannot write '{}'", path.string()), errno);
    return Directory(std::move(fd), path.parent_path()).write_atomically(path.filename().native(), data, mode);
}

bool lexists(const fs::path& path) {
    struct stat st;
    return ::lstat(path.c_str(), &st) == 0;
}

Status make_directories(const fs::path& path) {
    std::error_code ec;
    fs::create_directories(path, ec);
    if (ec) return errno_error(fmt::format("cannot create the directory '{}'", path.string()), ec.value());
    return {};
}

Status fsync_directory(const fs::path& path) {
    TRY_ASSIGN(Directory directory, Directory::open(path.empty() ? fs::path(".") : path));
    return directory.sync();
}

Status remove_tree(const fs::path& path) {
    if (!lexists(path)) return {};
    TRY_ASSIGN(Directory parent, Directory::open(path.has_parent_path() ? path.parent_path() : fs::path(".")));
    return parent.remove_tree(path.filename().native());
}

Result<TemporaryDirectory> TemporaryDirectory::make(const fs::path& parent) {
    fs::path base = parent;
    if (base.empty()) {
        const char* tmpdir = std::getenv("TMPDIR");
        base = tmpdir && *tmpdir ? tmpdir : "/tmp";
    }
    std::string name = (base / "tinderbox-XXXXXX").string();
    if (!::mkdtemp(name.data()))
        return errno_error(fmt::format("cannot create a directory in '{}'", base.string()), errno);
    return TemporaryDirectory(fs::path(name));
}

TemporaryDirectory& TemporaryDirectory::operator=(TemporaryDirectory&& other) noexcept {
    if (this != &other) {
        if (!path_.empty()) (void)remove_tree(path_);
        path_ = std::exchange(other.path_, {});
    }
    return *this;
}

TemporaryDirectory::~TemporaryDirectory() {
    if (!path_.empty()) (void)remove_tree(path_);
}

Result<FileLock> FileLock::acquire(const fs::path& path, const std::function<void()>& on_wait) {
    TRY_ASSIGN(auto held, try_acquire(path));
    if (held) return std::move(*held);
    if (on_wait) on_wait();
    // A signal may come to another thread than the one that waits.
    for (; work_can_be_interrupted(); std::this_thread::sleep_for(std::chrono::milliseconds(50))) {
        TRY(check_interrupted());
        TRY_ASSIGN(held, try_acquire(path));
        if (held) return std::move(*held);
    }
    TRY_ASSIGN(Fd fd, open_file(path, O_RDWR | O_CREAT, 0644));
    while (::flock(fd.get(), LOCK_EX) != 0)
        if (errno != EINTR) return errno_error(fmt::format("cannot lock '{}'", path.string()), errno);
    return FileLock(std::move(fd));
}

Result<std::optional<FileLock>> FileLock::try_acquire(const fs::path& path) {
    TRY_ASSIGN(Fd fd, open_file(path, O_RDWR | O_CREAT, 0644));
    return try_acquire(std::move(fd), path.string());
}

Result<std::optional<FileLock>> FileLock::try_acquire(Fd file, std::string_view name) {
    while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno == EWOULDBLOCK) return std::optional<FileLock>();
        return errno_error(fmt::format("cannot lock '{}'", name), errno);
    }
    return std::optional<FileLock>(FileLock(std::move(file)));
}

fs::path cache_directory() {
    if (auto cache = environment_variable("TINDERBOX_CACHE"); !cache.empty()) return cache;
    if (auto xdg = environment_variable("XDG_CACHE_HOME"); !xdg.empty()) return fs::path(xdg) / "tinderbox";
    auto home = environment_variable("HOME");
    return fs::path(home.empty() ? "/" : home) / ".cache" / "tinderbox";
}

} // namespace tinderbox
