#include "common/base/output_file.hpp"

#include "common/base/input_file.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

namespace tinderbox {
namespace {

Error cannot_write(const fs::path& path, int error) {
    return errno_error(fmt::format("cannot write '{}'", path.string()), error);
}

// What a name stands for, opened for writing.
struct Target {
    Fd fd; // none: there is no such file, and no link, either
    struct stat st {};
    bool placeholder = false; // it is empty, and was made just now behind a dangling link
};

Result<Fd> open_for_writing(const fs::path& path, int flags, mode_t mode) {
    // The kernel follows links, with its own protection of sticky directories. O_NONBLOCK: see the header.
    const int all = flags | O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    const auto end = std::chrono::steady_clock::now() + fifo_patience;
    Fd fd(::open(path.c_str(), all, mode));
    struct stat st;
    while (!fd && errno == ENXIO && ::stat(path.c_str(), &st) == 0 && S_ISFIFO(st.st_mode)) {
        if (std::chrono::steady_clock::now() > end)
            return make_error(ErrorKind::storage, "cannot write '{}': it is a pipe that no program reads",
                              path.string());
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        fd.reset(::open(path.c_str(), all, mode));
    }
    if (!fd) return cannot_write(path, errno);
    if (::fcntl(fd.get(), F_SETFL, flags & O_APPEND) != 0) return cannot_write(path, errno);
    return fd;
}

Result<Target> open_target(const fs::path& path, mode_t mode) {
    Target out;
    if (::lstat(path.c_str(), &out.st) != 0) {
        if (errno == ENOENT) return out;
        return cannot_write(path, errno);
    }
    out.placeholder = ::stat(path.c_str(), &out.st) != 0;
    TRY_ASSIGN(out.fd, open_for_writing(path, 0, mode));
    if (::fstat(out.fd.get(), &out.st) != 0) return cannot_write(path, errno);
    return out;
}

// The path of the open file itself, without links; "" = it has none any more.
fs::path path_of(const Target& target, const fs::path& path) {
    std::error_code ec;
    const fs::path real = fs::canonical(path, ec);
    struct stat st;
    if (ec || ::lstat(real.c_str(), &st) != 0) return {};
    return same_file(st, target.st) ? real : fs::path();
}

struct Temporary {
    fs::path path;
    Fd fd;
};

// Beside `path`; unlike mkstemp's it gets its mode from the umask.
Result<Temporary> make_temporary(const fs::path& path, mode_t mode) {
    constexpr std::size_t longest = 200; // so that the suffix fits into a name of 255 bytes
    for (int attempt = 0; attempt < 100; ++attempt) {
        std::uint32_t number = 0;
        if (::getrandom(&number, sizeof number, 0) != sizeof number) return cannot_write(path, errno);
        Temporary out;
        out.path = path.parent_path() / fmt::format("{}.{:08x}", path.filename().string().substr(0, longest), number);
        out.fd.reset(::open(out.path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
        if (out.fd) return out;
        if (errno != EEXIST) return cannot_write(path, errno);
    }
    return cannot_write(path, EEXIST);
}

bool keep_owner_and_mode(int fd, const struct stat& before) {
    struct stat now;
    if (::fstat(fd, &now) != 0) return false;
    const bool same = now.st_uid == before.st_uid && now.st_gid == before.st_gid;
    return (same || ::fchown(fd, before.st_uid, before.st_gid) == 0) && ::fchmod(fd, before.st_mode & 0777) == 0;
}

// An ACL, or an attribute of the user's; a security label comes back by itself.
bool has_attributes(int fd) {
    std::array<char, 1024> names;
    const ssize_t size = ::flistxattr(fd, names.data(), names.size());
    if (size < 0) return errno == ERANGE;
    for (std::string_view rest(names.data(), static_cast<std::size_t>(size)); !rest.empty();) {
        const std::string_view name = rest.substr(0, rest.find('\0'));
        if (!name.starts_with("security.")) return true;
        rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    }
    return false;
}

Status write_all(int fd, ByteView data, const fs::path& path) {
    TRY(write_exact(fd, data, path.string()));
    if (::fsync(fd) != 0) return cannot_write(path, errno);
    return {};
}

// False: the file must be written in place instead, for one of the header's reasons.
Result<bool> replace(const Target& target, const fs::path& path, ByteView data) {
    const fs::path real = path_of(target, path);
    if (real.empty() || target.st.st_nlink != 1 || has_attributes(target.fd.get())) return false;
    auto made = make_temporary(real, 0600);
    if (!made.ok()) return false;
    Status status;
    if (keep_owner_and_mode(made->fd.get(), target.st)) {
        status = write_all(made->fd.get(), data, path);
        if (status.ok() && ::rename(made->path.c_str(), real.c_str()) == 0) {
            TRY(fsync_directory(real.parent_path()));
            return true;
        }
    }
    ::unlink(made->path.c_str());
    if (!status.ok()) return std::move(status).error();
    return false;
}

// A full disk shows before the old content is touched, where the file system can tell.
Status overwrite(int fd, ByteView data, const fs::path& path) {
    if (::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(std::max<std::size_t>(data.size(), 1))) != 0 &&
        (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
        return cannot_write(path, errno);
    TRY(write_exact_at(fd, data, 0, path.string()));
    if (::ftruncate(fd, static_cast<off_t>(data.size())) != 0 || ::fsync(fd) != 0) return cannot_write(path, errno);
    return {};
}

Status write_new(const fs::path& path, ByteView data, mode_t mode) {
    TRY_ASSIGN(Temporary made, make_temporary(path, mode));
    Status status = write_all(made.fd.get(), data, path);
    if (status.ok() && ::rename(made.path.c_str(), path.c_str()) != 0) status = cannot_write(path, errno);
    if (!status.ok()) {
        ::unlink(made.path.c_str());
        return status;
    }
    return fsync_directory(path.parent_path());
}

Status refuse_irregular(const struct stat& st, const fs::path& path) {
    const std::string_view kind = irregular_kind(st.st_mode);
    if (kind.empty()) return {};
    return make_error(ErrorKind::usage, "'{}' is {}, and only a regular file can be written here", path.string(), kind);
}

} // namespace

Status write_output_file(const fs::path& path, ByteView data, mode_t mode) {
    TRY_ASSIGN(Target target, open_target(path, mode));
    if (!target.fd) return write_new(path, data, mode);
    if (!irregular_kind(target.st.st_mode).empty()) return write_exact(target.fd.get(), data, path.string());
    auto replaced = replace(target, path, data);
    Status status;
    if (!replaced.ok()) status = std::move(replaced).error();
    else if (!*replaced) status = overwrite(target.fd.get(), data, path);
    if (!status.ok() && target.placeholder)
        if (const fs::path real = path_of(target, path); !real.empty()) ::unlink(real.c_str());
    return status;
}

Status create_output_file(const fs::path& path, std::string_view text, mode_t mode) {
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!fd && errno == EEXIST)
        return make_error(ErrorKind::usage, "'{}' is there already; name another file", path.string());
    if (!fd) return cannot_write(path, errno);
    Status status = write_all(fd.get(), as_bytes(text), path);
    if (!status.ok()) {
        ::unlink(path.c_str());
        return status;
    }
    return fsync_directory(path.parent_path());
}

Result<Fd> open_for_appending(const fs::path& path, mode_t mode) { return open_for_writing(path, O_APPEND, mode); }

Status check_output_file(const fs::path& path) {
    struct stat st;
    if (::stat(path.c_str(), &st) == 0) {
        TRY(refuse_irregular(st, path));
        return ::access(path.c_str(), W_OK) == 0 ? Status() : cannot_write(path, errno);
    }
    if (lexists(path)) return {}; // a dangling link
    const fs::path directory = path.parent_path().empty() ? fs::path(".") : path.parent_path();
    if (::access(directory.c_str(), W_OK | X_OK) != 0) return cannot_write(path, errno);
    return {};
}

Result<OutputFile> OutputFile::create(const fs::path& path, mode_t mode) {
    TRY(check_output_file(path));
    TRY_ASSIGN(Target target, open_target(path, mode));
    OutputFile out;
    out.target_ = path;
    out.placeholder_ = target.placeholder;
    if (target.fd) {
        TRY(refuse_irregular(target.st, path));
        out.target_ = path_of(target, path);
        if (out.target_.empty()) return cannot_write(path, ENOENT);
    }
    TRY_ASSIGN(Temporary made, make_temporary(out.target_, target.fd ? 0600 : mode));
    out.temporary_ = std::move(made.path);
    out.fd_ = std::move(made.fd);
    // Unlike a small file it cannot be written in place: it gets a new owner where the old one cannot be given.
    if (target.fd && !keep_owner_and_mode(out.fd_.get(), target.st) &&
        ::fchmod(out.fd_.get(), target.st.st_mode & 0777) != 0)
        return cannot_write(path, errno);
    return out;
}

OutputFile::OutputFile(OutputFile&& other) noexcept { *this = std::move(other); }

OutputFile& OutputFile::operator=(OutputFile&& other) noexcept {
    std::swap(target_, other.target_);
    std::swap(temporary_, other.temporary_);
    std::swap(fd_, other.fd_);
    std::swap(placeholder_, other.placeholder_);
    return *this;
}

OutputFile::~OutputFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    if (placeholder_) ::unlink(target_.c_str());
}

Status OutputFile::publish() {
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) return cannot_write(target_, errno);
    temporary_.clear();
    placeholder_ = false;
    return fsync_directory(target_.parent_path());
}

} // namespace tinderbox
