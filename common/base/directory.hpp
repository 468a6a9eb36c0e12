// A directory by its descriptor, and the entries below it. Paths are relative to it and normal ("a/b"); no function
// follows a link in any component of a path, so a link that appears meanwhile leads nowhere. Links and ".." are refused
// with ELOOP. openat2(2) looks a path up in one call; where the kernel or a container's filter does not know it, the
// components are opened one by one.
//
// Functions that return an int return an errno, 0 = done. Other errors are of kind `storage` and name the path. One
// object may be used by several threads at a time, except while it is assigned to.
#pragma once

#include "common/base/file.hpp"

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <vector>

namespace tinderbox {

class Directory {
  public:
    Directory() = default;
    // `shown`: for messages.
    Directory(Fd fd, fs::path shown) : fd_(std::move(fd)), shown_(std::move(shown)) {}
    // Follows links in `path`: who calls this has asked whose they are, or does not care.
    static Result<Directory> open(const fs::path& path);

    explicit operator bool() const { return static_cast<bool>(fd_); }
    int fd() const { return fd_.get(); }
    const fs::path& path() const { return shown_; }
    std::string shown(std::string_view below) const { return (shown_ / below).string(); }
    Result<Fd> duplicate() const;

    // A directory below.
    Result<Directory> directory(std::string_view path) const;
    // A new directory with exactly this mode, whatever the umask. `name` may not exist.
    Status make_directory(std::string_view name, mode_t mode) const;

    Result<Fd> open_file(std::string_view path, int flags, mode_t mode = 0666) const;
    Result<std::string> read_text(std::string_view path, std::uint64_t limit = 1ull << 30) const;
    // A new file with exactly this mode; what has the name now is removed first, and never opened.
    Result<Fd> create_file(std::string_view name, mode_t mode) const;
    // As tinderbox::write_atomically().
    Status write_atomically(std::string_view name, ByteView data, mode_t mode = 0644) const;
    Status write_atomically(std::string_view name, std::string_view text, mode_t mode = 0644) const {
        return write_atomically(name, as_bytes(text), mode);
    }

    // lstat(2) of an entry. ENOENT: it does not exist; ELOOP, ENOTDIR: a link or a file is where a directory should be.
    int look(std::string_view path, struct stat& out) const;
    // Also true when an error keeps that from being known: the next call then says what is wrong.
    bool exists(std::string_view path) const;
    Result<std::string> read_link(std::string_view path) const;
    int unlink(std::string_view path) const;
    int remove_directory(std::string_view path) const;
    int rename(std::string_view path, const Directory& to, std::string_view new_path) const; // replaces a file
    // A second name for a file or link, never in the place of something. Some file systems cannot: EPERM, EOPNOTSUPP.
    int link(std::string_view path, const Directory& to, std::string_view new_path) const;
    int change_mode(std::string_view path, mode_t mode) const; // of a directory or file, never of a link

    struct Entry {
        std::string name;
        bool is_directory = false; // and no link to one
    };
    // Sorted by name, without "." and "..".
    Result<std::vector<Entry>> entries() const;
    // What is there with everything below it; nothing at all is no error. A directory without write permission becomes
    // writable first: some packages ship such.
    Status remove_tree(std::string_view path) const;
    // The names in it are durable when it returns.
    Status sync() const;

  private:
    struct Parent {
        int fd = -1;
        Fd owned;
        std::string name;
    };
    Status remove_entries(std::string_view path) const;
    // `error`: an errno.
    Parent parent_of(std::string_view path, int& error) const;

    Fd fd_;
    fs::path shown_;
};

// openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS, or what comes closest. Returns a descriptor (O_CLOEXEC) or
// -errno.
int open_beneath(int directory, std::string_view path, int flags, mode_t mode = 0);

} // namespace tinderbox
