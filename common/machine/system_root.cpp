#include "common/machine/system_root.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace tinderbox::machine {

SystemRoot SystemRoot::from_environment() {
    const char* root = std::getenv("TINDERBOX_SYSROOT");
    return SystemRoot(root ? root : "");
}

bool SystemRoot::exists(std::string_view absolute) const { return !resolve(absolute).empty(); }

std::optional<std::string> SystemRoot::text(std::string_view absolute, std::size_t limit) const {
    Fd fd(::open(at(absolute).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return std::nullopt;
    std::string out;
    while (out.size() < limit) {
        char buffer[65536];
        ssize_t n = ::read(fd.get(), buffer, std::min(sizeof buffer, limit - out.size()));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return std::nullopt;
        if (n == 0) break;
        out.append(buffer, static_cast<std::size_t>(n));
    }
    return out;
}

std::vector<std::string> SystemRoot::entries(std::string_view absolute) const {
    std::vector<std::string> out;
    std::error_code error;
    for (fs::directory_iterator it(at(absolute), fs::directory_options::skip_permission_denied, error), end;
         !error && it != end; it.increment(error))
        out.push_back(it->path().filename().string());
    std::ranges::sort(out);
    return out;
}

std::string SystemRoot::link_name(std::string_view absolute) const {
    std::error_code error;
    fs::path target = fs::read_symlink(at(absolute), error);
    return error ? std::string() : target.filename().string();
}

std::string SystemRoot::resolve(std::string_view absolute) const {
    fs::path path(absolute);
    for (int hops = 0; hops < 40; ++hops) {
        std::error_code error;
        fs::path target = fs::read_symlink(at(path.string()), error);
        if (error) {
            bool there = fs::exists(at(path.string()), error);
            return there && !error ? path.string() : std::string();
        }
        path = target.is_absolute() ? target : (path.parent_path() / target).lexically_normal();
    }
    return {};
}

bool SystemRoot::denied(std::string_view absolute) const {
    const fs::path path = at(absolute);
    return ::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_EACCESS) == 0 &&
           ::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) != 0;
}

int SystemRoot::open_errno(std::string_view absolute) const {
    Fd fd(::open(at(absolute).c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    return fd ? 0 : errno;
}

} // namespace tinderbox::machine
