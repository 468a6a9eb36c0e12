#include "common/base/directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>

namespace tinderbox {
namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr std::uint64_t lookup = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;

int openat2_beneath(int directory, const char* path, int flags, mode_t mode) {
    static std::atomic<bool> unknown = false;
    if (unknown) return -ENOSYS;
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.mode = (flags & O_CREAT) != 0 ? mode : 0;
    how.resolve = lookup;
    constexpr int attempts = 8; // EAGAIN: something was renamed meanwhile
    for (int i = 0; i < attempts; ++i) {
        const long fd = ::syscall(SYS_openat2, directory, path, &how, sizeof how);
        if (fd >= 0) return static_cast<int>(fd);
        if (errno == EINTR || errno == EAGAIN) continue;
        if (errno == ENOSYS) unknown = true;
        return -errno;
    }
    return -EAGAIN;
}

int open_by_components(int directory, std::string_view path, int flags, mode_t mode) {
    Fd held;
    for (;;) {
        const auto slash = path.find('/');
        const std::string name(path.substr(0, slash));
        if (name.empty() || name == "..") return -ELOOP;
        const int from = held ? held.get() : directory;
        const bool last = slash == std::string_view::npos;
        const int fd =
            ::openat(from, name.c_str(), last ? flags | O_NOFOLLOW | O_CLOEXEC : directory_flags | O_PATH, mode);
        if (fd < 0) return -errno;
        if (last) return fd;
        held.reset(fd);
        path.remove_prefix(slash + 1);
    }
}

// As mkostemp(3), in a directory that is open.
Result<Fd> create_temporary(const Directory& directory, std::string_view name, std::string& temporary) {
    constexpr int attempts = 100;
    int error = EEXIST;
    for (int i = 0; i < attempts && error == EEXIST; ++i) {
        std::uint32_t random = 0;
        if (::getrandom(&random, sizeof random, 0) != sizeof random)
            random = static_cast<std::uint32_t>(::getpid() + i);
        temporary = fmt::format("{}.{:08x}", name, random);
        const int fd =
            ::openat(directory.fd(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0) return Fd(fd);
        error = errno;
    }
    return errno_error(fmt::format("cannot write '{}'", directory.shown(name)), error);
}

} // namespace

int open_beneath(int directory, std::string_view path, int flags, mode_t mode) {
    const int fd = openat2_beneath(directory, std::string(path).c_str(), flags | O_NOFOLLOW, mode);
    // EPERM may come from a container's filter; then the second way says whether it is meant.
    if (fd >= 0 || (fd != -ENOSYS && fd != -EPERM && fd != -EAGAIN)) return fd;
    return open_by_components(directory, path, flags, mode);
}

Result<Directory> Directory::open(const fs::path& path) {
    TRY_ASSIGN(Fd fd, tinderbox::open_file(path, O_RDONLY | O_DIRECTORY));
    return Directory(std::move(fd), path);
}

Result<Fd> Directory::duplicate() const {
    Fd fd(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
    if (!fd) return errno_error(fmt::format("cannot open '{}'", shown_.string()), errno);
    return fd;
}

Directory::Parent Directory::parent_of(std::string_view path, int& error) const {
    Parent out;
    error = 0;
    const auto slash = path.rfind('/');
    out.name = slash == std::string_view::npos ? path : path.substr(slash + 1);
    out.fd = fd_.get();
    if (out.name.empty() || out.name == "..") error = ELOOP;
    else if (slash != std::string_view::npos) {
        const int fd = open_beneath(fd_.get(), path.substr(0, slash), O_PATH | O_DIRECTORY);
        if (fd < 0) error = -fd;
        else out.owned.reset(out.fd = fd);
    }
    return out;
}

Result<Directory> Directory::directory(std::string_view path) const {
    const int fd = open_beneath(fd_.get(), path, directory_flags);
    if (fd < 0) return errno_error(fmt::format("cannot open the directory '{}'", shown(path)), -fd);
    return Directory(Fd(fd), shown_ / path);
}

Status Directory::make_directory(std::string_view name, mode_t mode) const {
    int error = 0;
    const Parent parent = parent_of(name, error);
    // The umask may have taken bits away.
    if (error == 0 && ::mkdirat(parent.fd, parent.name.c_str(), 0700) != 0) error = errno;
    if (error == 0 && mode != 0700) error = change_mode(name, mode);
    if (error != 0) return errno_error(fmt::format("cannot create the directory '{}'", shown(name)), error);
    return {};
}

Result<Fd> Directory::open_file(std::string_view path, int flags, mode_t mode) const {
    const int fd = open_beneath(fd_.get(), path, flags, mode);
    if (fd < 0) return errno_error(fmt::format("cannot open '{}'", shown(path)), -fd);
    return Fd(fd);
}

Result<std::string> Directory::read_text(std::string_view path, std::uint64_t limit) const {
    // A FIFO in the file's place would block until somebody writes.
    TRY_ASSIGN(Fd fd, open_file(path, O_RDONLY | O_NONBLOCK));
    return tinderbox::read_text(fd.get(), shown(path), limit);
}

Result<Fd> Directory::create_file(std::string_view name, mode_t mode) const {
    if (const int error = unlink(name); error != 0 && error != ENOENT)
        return errno_error(fmt::format("cannot replace '{}'", shown(name)), error);
    TRY_ASSIGN(Fd fd, open_file(name, O_WRONLY | O_CREAT | O_EXCL, 0600));
    if (::fchmod(fd.get(), mode) != 0) return errno_error(fmt::format("cannot write '{}'", shown(name)), errno);
    return fd;
}

Status Directory::write_atomically(std::string_view name, ByteView data, mode_t mode) const {
    const std::string path = shown(name);
    std::string temporary;
    TRY_ASSIGN(Fd fd, create_temporary(*this, name, temporary));
    Status status = write_exact(fd.get(), data, path);
    if (status.ok() && ::fchmod(fd.get(), mode) != 0)
        status = errno_error(fmt::format("cannot set the mode of '{}'", path), errno);
    if (status.ok() && ::fsync(fd.get()) != 0)
        status = errno_error(fmt::format("cannot write '{}' to disk", path), errno);
    if (status.ok() && ::renameat(fd_.get(), temporary.c_str(), fd_.get(), std::string(name).c_str()) != 0)
        status = errno_error(fmt::format("cannot rename to '{}'", path), errno);
    if (!status.ok()) {
        ::unlinkat(fd_.get(), temporary.c_str(), 0);
        return status;
    }
    return sync();
}

int Directory::look(std::string_view path, struct stat& out) const {
    int error = 0;
    const Parent parent = parent_of(path, error);
    if (error == 0 && ::fstatat(parent.fd, parent.name.c_str(), &out, AT_SYMLINK_NOFOLLOW) != 0) error = errno;
    return error;
}

bool Directory::exists(std::string_view path) const {
    struct stat st;
    const int error = look(path, st);
    return error != ENOENT && error != ENOTDIR && error != ELOOP;
}

Result<std::string> Directory::read_link(std::string_view path) const {
    int error = 0;
    const Parent parent = parent_of(path, error);
    std::string target(256, '\0');
    while (error == 0) {
        const ssize_t size = ::readlinkat(parent.fd, parent.name.c_str(), target.data(), target.size());
        if (size < 0) error = errno;
        else if (static_cast<std::size_t>(size) < target.size()) {
            target.resize(static_cast<std::size_t>(size));
            return target;
        } else target.resize(target.size() * 2);
    }
    return errno_error(fmt::format("cannot read the link '{}'", shown(path)), error);
}

int Directory::unlink(std::string_view path) const {
    int error = 0;
    const Parent parent = parent_of(path, error);
    if (error == 0 && ::unlinkat(parent.fd, parent.name.c_str(), 0) != 0) error = errno;
    return error;
}

int Directory::remove_directory(std::string_view path) const {
    int error = 0;
    const Parent parent = parent_of(path, error);
    if (error == 0 && ::unlinkat(parent.fd, parent.name.c_str(), AT_REMOVEDIR) != 0) error = errno;
    return error;
}

int Directory::rename(std::string_view path, const Directory& to, std::string_view new_path) const {
    int error = 0, new_error = 0;
    const Parent parent = parent_of(path, error), new_parent = to.parent_of(new_path, new_error);
    if (error != 0 || new_error != 0) return error != 0 ? error : new_error;
    return ::renameat(parent.fd, parent.name.c_str(), new_parent.fd, new_parent.name.c_str()) == 0 ? 0 : errno;
}

int Directory::link(std::string_view path, const Directory& to, std::string_view new_path) const {
    int error = 0, new_error = 0;
    const Parent parent = parent_of(path, error), new_parent = to.parent_of(new_path, new_error);
    if (error != 0 || new_error != 0) return error != 0 ? error : new_error;
    return ::linkat(parent.fd, parent.name.c_str(), new_parent.fd, new_parent.name.c_str(), 0) == 0 ? 0 : errno;
}

int Directory::change_mode(std::string_view path, mode_t mode) const {
    int error = 0;
    const Parent parent = parent_of(path, error);
    struct stat st;
    if (error == 0 && ::fstatat(parent.fd, parent.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) error = errno;
    if (error == 0 && S_ISLNK(st.st_mode)) error = ELOOP;
    if (error != 0) return error;
    // Through a descriptor: fchmodat() follows links, and a directory without permissions can only be opened as a path.
    Fd fd(::openat(parent.fd, parent.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat opened;
    if (!fd || ::fstat(fd.get(), &opened) != 0) return errno;
    if (S_ISLNK(opened.st_mode)) return ELOOP;
    return ::chmod(fmt::format("/proc/self/fd/{}", fd.get()).c_str(), mode) == 0 ? 0 : errno;
}

Result<std::vector<Directory::Entry>> Directory::entries() const {
    auto cannot = [&](int error) {
        return errno_error(fmt::format("cannot read the directory '{}'", shown_.string()), error);
    };
    // A descriptor of its own: reading moves the position that duplicates share.
    Fd fd(::openat(fd_.get(), ".", directory_flags));
    if (!fd) return cannot(errno);
    DIR* stream = ::fdopendir(fd.get());
    if (!stream) return cannot(errno);
    const std::unique_ptr<DIR, int (*)(DIR*)> closing(stream, ::closedir);
    fd.release();
    std::vector<Entry> out;
    for (;;) {
        errno = 0;
        const dirent* entry = ::readdir(stream);
        if (!entry && errno != 0) return cannot(errno);
        if (!entry) break;
        Entry one{entry->d_name, entry->d_type == DT_DIR};
        if (one.name == "." || one.name == "..") continue;
        struct stat st;
        if (entry->d_type == DT_UNKNOWN)
            one.is_directory =
                ::fstatat(fd_.get(), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
        out.push_back(std::move(one));
    }
    std::ranges::sort(out, {}, &Entry::name);
    return out;
}

// With one descriptor at a time, however deep the tree is: the last ones may be taken when an installation gives up.
Status Directory::remove_tree(std::string_view path) const {
    struct stat st;
    int error = look(path, st);
    if (error == ENOENT) return {};
    if (error == 0 && S_ISDIR(st.st_mode)) {
        if ((st.st_mode & 0700) != 0700) (void)change_mode(path, (st.st_mode & 07777) | 0700);
        TRY(remove_entries(path));
        error = remove_directory(path);
    } else if (error == 0) {
        error = unlink(path);
    }
    if (error == 0 || error == ENOENT) return {};
    return errno_error(fmt::format("cannot remove '{}'", shown(path)), error);
}

Status Directory::remove_entries(std::string_view path) const {
    constexpr std::size_t longest = PATH_MAX / 2; // deeper down, paths begin anew at a directory that stays open
    std::vector<Entry> below;
    {
        TRY_ASSIGN(Directory tree, directory(path));
        TRY_ASSIGN(below, tree.entries());
        if (path.size() > longest) {
            for (const Entry& entry : below) TRY(tree.remove_tree(entry.name));
            return {};
        }
    }
    for (const Entry& entry : below) {
        const std::string one = fmt::format("{}/{}", path, entry.name);
        if (entry.is_directory || unlink(one) != 0) TRY(remove_tree(one));
    }
    return {};
}

Status Directory::sync() const {
    // Some network file systems do not sync directories and say EINVAL: nothing more can be done there.
    if (::fsync(fd_.get()) != 0 && errno != EINVAL)
        return errno_error(fmt::format("cannot write '{}' to disk", shown_.string()), errno);
    return {};
}

} // namespace tinderbox
