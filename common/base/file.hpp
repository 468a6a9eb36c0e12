// Files and directories: owning descriptors, whole-file helpers, atomic replacement.
// Errors are of kind `storage` and name the path. Functions are thread-safe; an object belongs to one thread at a time.
#pragma once

#include "common/base/bytes.hpp"

#include <sys/stat.h>
#include <sys/types.h>

#include <filesystem>
#include <functional>

namespace tinderbox {

namespace fs = std::filesystem;

// Owns one file descriptor.
class Fd {
  public:
    Fd() = default;
    explicit Fd(int fd) : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    ~Fd() { reset(); }
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    int release() { return std::exchange(fd_, -1); }
    void reset(int fd = -1);

  private:
    int fd_ = -1;
};

Result<Fd> open_file(const fs::path& path, int flags, mode_t mode = 0666); // O_RDONLY: see common/base/input_file.hpp
// A second description of the same open file, to be read with O_DIRECT: on the shared one that would break unaligned
// readers. Empty: /proc is missing (a chroot), or the file system refuses.
Fd reopen_direct(int fd);
// Whether both were taken of one file or directory, whatever its names.
inline bool same_file(const struct stat& a, const struct stat& b) {
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}
Result<std::uint64_t> file_size(int fd, std::string_view name);

// Reads/writes all of `data` at `offset`, or fails: a short read is an error that names both sizes.
Status read_exact_at(int fd, std::span<std::byte> data, std::uint64_t offset, std::string_view name);
Status write_exact_at(int fd, ByteView data, std::uint64_t offset, std::string_view name);
Status write_exact(int fd, ByteView data, std::string_view name);

// Whole files. `limit` guards against absurd sizes (an error, not a truncation).
Result<std::string> read_text(const fs::path& path, std::uint64_t limit = 1ull << 30);
// From the descriptor's position; `name` is for messages.
Result<std::string> read_text(int fd, std::string_view name, std::uint64_t limit);
Result<Bytes> read_bytes(const fs::path& path, std::uint64_t limit = 1ull << 30);

// Must: a reader sees the old content or the new one, never a part. Temporary file in the same
// directory, fsync, rename, fsync of the directory.
Status write_atomically(const fs::path& path, ByteView data, mode_t mode = 0644);
inline Status write_atomically(const fs::path& path, std::string_view text, mode_t mode = 0644) {
    return write_atomically(path, as_bytes(text), mode);
}

// Whether a file, or a dangling link, has this name (os.path.lexists). False when the directory may not be searched.
bool lexists(const fs::path& path);

Status make_directories(const fs::path& path);
Status fsync_directory(const fs::path& path);
// What is there with everything below it, links as links; nothing at all is no error.
Status remove_tree(const fs::path& path);

// A directory that is removed with everything in it when the object dies.
class TemporaryDirectory {
  public:
    // Under `parent` (default: $TMPDIR or /tmp), mode 0700, an unpredictable name.
    static Result<TemporaryDirectory> make(const fs::path& parent = {});
    TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
    TemporaryDirectory& operator=(TemporaryDirectory&& other) noexcept;
    ~TemporaryDirectory();
    const fs::path& path() const { return path_; }

  private:
    explicit TemporaryDirectory(fs::path path) : path_(std::move(path)) {}
    fs::path path_;
};

// An exclusive advisory lock (flock) on a file that is created when missing; released on destruction.
class FileLock {
  public:
    // Waits; `on_wait` is called once when another process holds the lock.
    static Result<FileLock> acquire(const fs::path& path, const std::function<void()>& on_wait = {});
    // nullopt when another process holds the lock.
    static Result<std::optional<FileLock>> try_acquire(const fs::path& path);
    static Result<std::optional<FileLock>> try_acquire(Fd file, std::string_view name);

  private:
    explicit FileLock(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

// $TINDERBOX_CACHE, else $XDG_CACHE_HOME/tinderbox, else ~/.cache/tinderbox (~ is $HOME).
fs::path cache_directory();

} // namespace tinderbox
