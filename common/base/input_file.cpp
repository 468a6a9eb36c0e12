#include "common/base/input_file.hpp"

#include "common/base/units.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <mutex>

namespace tinderbox {
namespace {

constexpr int for_ever = -1;

bool is_standard_input(std::string_view path) {
    return path == "-" || path == "/dev/stdin" || path == "/dev/fd/0" || path == "/proc/self/fd/0";
}

std::string shown(const fs::path& path) {
    return is_standard_input(path.native()) ? "standard input" : fmt::format("'{}'", path.string());
}

Error cannot_read(const fs::path& path, int error) {
    return errno_error(fmt::format("cannot read {}", shown(path)), error, ErrorKind::usage);
}

Result<std::string> read_stream(int fd, const fs::path& path, std::uint64_t limit, int patience_ms) {
    std::string out;
    std::array<char, 65536> buffer;
    for (;;) {
        pollfd wait{fd, POLLIN, 0};
        const int ready = ::poll(&wait, 1, patience_ms);
        if (ready == 0)
            return make_error(
                ErrorKind::usage,
                "'{}' is a pipe, and no program wrote into it for {} seconds; name a regular file, or '-' "
                "for standard input",
                path.string(), patience_ms / 1000);
        if (ready < 0 && errno != EINTR) return cannot_read(path, errno);
        if (ready < 0) continue;
        const ssize_t n = ::read(fd, buffer.data(), buffer.size());
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (n < 0) return cannot_read(path, errno);
        if (n == 0) return out;
        out.append(buffer.data(), static_cast<std::size_t>(n));
        if (out.size() > limit) return larger_than(path, limit);
    }
}

// The device and inode of a stream's open file. Standard input has a key of its own: a regular file there has an
// offset, which reading moves.
using StreamKey = std::pair<dev_t, ino_t>;
constexpr StreamKey standard_input_key{0, 0};

// A stream gives its bytes to the first reader alone, so that they are kept for the others.
Result<std::string> read_once(const StreamKey& key, int fd, const fs::path& path, std::uint64_t limit,
                              int patience_ms) {
    static std::mutex mutex;
    static std::map<StreamKey, Result<std::string>> kept;
    std::lock_guard lock(mutex);
    auto found = kept.find(key);
    if (found == kept.end()) found = kept.emplace(key, read_stream(fd, path, limit, patience_ms)).first;
    if (found->second.ok() && found->second->size() > limit) return larger_than(path, limit);
    return found->second;
}

} // namespace

Error larger_than(const fs::path& path, std::uint64_t limit) {
    return make_error(ErrorKind::usage, "{} is larger than {}, the most that is read of it", shown(path),
                      format_bytes(limit));
}

bool is_stream(const fs::path& path) {
    const std::string& name = path.native();
    return is_standard_input(name) || name.starts_with("/dev/fd/") || name.starts_with("/proc/self/fd/");
}

Result<std::string> read_input(const fs::path& path, std::uint64_t limit) {
    if (is_standard_input(path.native())) return read_once(standard_input_key, STDIN_FILENO, path, limit, for_ever);
    struct stat st;
    if (::stat(path.c_str(), &st) != 0)
        return errno_error(fmt::format("cannot open '{}'", path.string()), errno, ErrorKind::usage);
    if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)) return std::string(); // /dev/null
    if (S_ISFIFO(st.st_mode)) {
        Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
        if (!fd || ::fstat(fd.get(), &st) != 0)
            return errno_error(fmt::format("cannot open '{}'", path.string()), errno, ErrorKind::usage);
        if (S_ISFIFO(st.st_mode))
            return read_once({st.st_dev, st.st_ino}, fd.get(), path, limit,
                             is_stream(path) ? for_ever : static_cast<int>(fifo_patience.count()));
    }
    auto text = read_text(path, limit);
    if (!text.ok()) return Error{ErrorKind::usage, std::move(text).error().message};
    return text;
}

} // namespace tinderbox
