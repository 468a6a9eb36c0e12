#include "runtime/install/control_files.hpp"

#include "runtime/place/control_files.hpp"
#include "runtime/place/kept.hpp"
#include "runtime/place/trust.hpp"

#include <cerrno>

namespace tinderbox::install {
namespace {

Status put(const Directory& control, std::string_view name, ByteView bytes, mode_t mode) {
    TRY_ASSIGN(Fd fd, control.create_file(name, mode));
    return write_exact(fd.get(), bytes, control.shown(name));
}

} // namespace

Status write_control_files(const Directory& control, const format::RunFile& run,
                           const std::vector<InstalledRow>& rows) {
    TRY(put(control, place::control::manifest, as_bytes(run.manifest_text()), 0644));
    for (const auto& [section, name, mode] : place::kept_sections(run)) {
        TRY_ASSIGN(Bytes bytes, run.read_section(*section));
        // Only such names are removed with the environment.
        if (name.find('/') != std::string::npos || !place::is_control_name(name))
            return make_error(ErrorKind::damaged, "a section has the unsafe name '{}'", section->name);
        TRY(put(control, name, bytes, mode));
    }
    return put(control, place::control::installed, as_bytes(installed_text(rows)), 0644);
}

Status remove_control(const Directory& root) {
    TRY_ASSIGN(auto control, place::open_control(root, place::Trust::now(true), place::Access::write));
    if (!control) return {};
    TRY_ASSIGN(auto entries, control->entries());
    for (const Directory::Entry& entry : entries)
        if (place::is_control_name(entry.name)) TRY(control->remove_tree(entry.name));
    const int error = root.remove_directory(place::control_directory);
    if (error == 0 || error == ENOENT || error == ENOTEMPTY || error == EEXIST) return {};
    return errno_error(fmt::format("cannot remove '{}'", control->path().string()), error);
}

} // namespace tinderbox::install
