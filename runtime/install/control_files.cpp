#include "runtime/install/control_files.hpp"

#include "runtime/place/control_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace tinderbox::install {
namespace {

constexpr std::string_view probe_section = "probe:"; // "probe:NAME" is kept as NAME

Status put(const fs::path& path, ByteView bytes, mode_t mode) {
    TRY_ASSIGN(Fd fd, open_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
    TRY(write_exact(fd.get(), bytes, path.string()));
    if (::fchmod(fd.get(), mode) != 0) return errno_error(fmt::format("cannot write '{}'", path.string()), errno);
    return {};
}

} // namespace

Status write_control_files(const fs::path& control, const format::RunFile& run, const std::vector<InstalledRow>& rows) {
    TRY(put(control / place::control::manifest, as_bytes(run.manifest_text()), 0644));
    for (const format::Section& section : run.sections()) {
        const bool probe = section.name.starts_with(probe_section);
        if (section.name != place::control::table && section.name != place::control::stub && !probe) continue;
        TRY_ASSIGN(Bytes bytes, run.read_section(section));
        const std::string name = probe ? section.name.substr(probe_section.size()) : section.name;
        if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.'))
            return make_error(ErrorKind::damaged, "a section has the unsafe name '{}'", section.name);
        TRY(put(control / name, bytes, section.name == place::control::table ? 0644 : 0755));
    }
    return put(control / place::control::installed, as_bytes(installed_text(rows)), 0644);
}

} // namespace tinderbox::install
