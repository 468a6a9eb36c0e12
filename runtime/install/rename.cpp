#include "runtime/install/rename.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>

#include <cerrno>

namespace tinderbox::install {

Error appeared(const fs::path& path) {
    return make_error(ErrorKind::storage, "'{}' appeared while installing; move it away and run again", path.string());
}

std::string saved_name(const Directory& root, const std::string& path) {
    std::string saved = fmt::format("{}{}", path, saved_suffix);
    for (int n = 2; n < 1000 && root.exists(saved); ++n) saved = fmt::format("{}{}-{}", path, saved_suffix, n);
    return saved;
}

Status rename_new(const Directory& from, const std::string& name, const Directory& to, const std::string& new_name,
                  io::Faults* faults) {
    const fs::path shown = to.path() / new_name;
    int error = io::fault(faults, io::Faults::Call::rename, shown.native());
    if (error == 0 && ::renameat2(from.fd(), name.c_str(), to.fd(), new_name.c_str(), RENAME_NOREPLACE) != 0)
        error = errno;
    // Some file systems (NFS, old FUSE) do not know the flag; a plain rename would replace a file.
    if ((error == EINVAL || error == ENOSYS) && !to.exists(new_name))
        error = ::renameat(from.fd(), name.c_str(), to.fd(), new_name.c_str()) == 0 ? 0 : errno;
    if (error == EEXIST || error == ENOTEMPTY) return appeared(shown);
    if (error != 0) return errno_error(fmt::format("cannot rename to '{}'", shown.string()), error);
    return {};
}

} // namespace tinderbox::install
