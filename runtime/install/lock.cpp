#include "runtime/install/lock.hpp"

#include "runtime/place/control_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace tinderbox::install {

Result<std::optional<FileLock>> try_lock(const Directory& control) {
    TRY_ASSIGN(Fd fd, control.open_file(place::control::lock, O_RDWR | O_CREAT | O_NONBLOCK, 0644));
    return FileLock::try_acquire(std::move(fd), control.shown(place::control::lock));
}

Error locked_by_another(const fs::path& place) {
    return make_error(ErrorKind::storage, "another installer is working on '{}'; wait until it ends", place.string());
}

Result<FileLock> lock_control(const Directory& control, const fs::path& shown) {
    TRY_ASSIGN(auto lock, try_lock(control));
    if (!lock) return locked_by_another(shown);
    return *std::move(lock);
}

Status check_writable(const Directory& directory) {
    if (::faccessat(directory.fd(), ".", W_OK, AT_EACCESS) != 0)
        return errno_error(fmt::format("'{}' cannot be written", directory.path().string()), errno);
    return {};
}

} // namespace tinderbox::install
