#include "runtime/install/lock.hpp"

#include "runtime/place/control_files.hpp"

#include <unistd.h>

#include <cerrno>

namespace tinderbox::install {

Result<FileLock> lock_control(const fs::path& control, const fs::path& shown, bool* busy) {
    TRY_ASSIGN(auto lock, FileLock::try_acquire(control / place::control::lock));
    if (busy) *busy = !lock;
    if (!lock)
        return make_error(ErrorKind::storage, "another installer is working on '{}'; wait until it ends",
                          shown.string());
    return *std::move(lock);
}

Result<FileLock> lock_root(const fs::path& root) { return lock_control(root / place::control_directory, root); }

Status check_writable(const fs::path& root) {
    for (const fs::path& directory : {root, root / place::control_directory})
        if (::access(directory.c_str(), W_OK) != 0)
            return errno_error(fmt::format("'{}' cannot be written", directory.string()), errno);
    return {};
}

} // namespace tinderbox::install
