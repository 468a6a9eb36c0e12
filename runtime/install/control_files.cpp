#include "runtime/install/control_files.hpp"

#include "runtime/place/control_files.hpp"
#include "runtime/place/kept.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace tinderbox::install {
namespace {

Status put(const fs::path& path, ByteView bytes, mode_t mode) {
    TRY_ASSIGN(Fd fd, open_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
    TRY(write_exact(fd.get(), bytes, path.string()));
    if (::fchmod(fd.get(), mode) != 0) return errno_error(fmt::format("cannot write '{}'", path.string()), errno);
    return {};
}

} // namespace

Status write_control_files(const fs::path& control, const format::RunFile& run, const std::vector<InstalledRow>& rows) {
    TRY(put(control / place::control::manifest, as_bytes(run.manifest_text()), 0644));
    for (const auto& [section, name, mode] : place::kept_sections(run)) {
        TRY_ASSIGN(Bytes bytes, run.read_section(*section));
        if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.'))
            return make_error(ErrorKind::damaged, "a section has the unsafe name '{}'", section->name);
        TRY(put(control / name, bytes, mode));
    }
    return put(control / place::control::installed, as_bytes(installed_text(rows)), 0644);
}

} // namespace tinderbox::install
