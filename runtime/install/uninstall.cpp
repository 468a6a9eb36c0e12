#include "runtime/install/uninstall.hpp"

#include "runtime/install/control_files.hpp"
#include "runtime/install/lock.hpp"
#include "runtime/install/ownership.hpp"
#include "runtime/install/registry.hpp"
#include "runtime/install/scripts.hpp"
#include "runtime/place/control_files.hpp"
#include "runtime/place/place.hpp"

#include <unistd.h>

#include <algorithm>

namespace tinderbox::install {
namespace {

Status remove_everything(const Directory& root) {
    TRY_ASSIGN(auto entries, root.entries());
    for (const Directory::Entry& entry : entries) TRY(root.remove_tree(entry.name));
    return {};
}

Result<Ownership> everything(const std::vector<InstalledRow>& rows) {
    Ownership out;
    for (const InstalledRow& row : rows)
        if (row.kind != 'd') out.installed.push_back(row.path);
    return out;
}

} // namespace

Result<UninstallSummary> uninstall(const fs::path& path, const UninstallOptions& options) {
    TRY_ASSIGN(auto installed, place::read_installed(path));
    if (!installed) return make_error(ErrorKind::storage, "there is no Tinderbox environment in '{}'", path.string());
    TRY_ASSIGN(place::OpenTree tree, place::open_tree(path, options.trust, place::Access::write));
    TRY_ASSIGN(auto rows, read_installed_list(tree.control));
    for (const Directory* directory : {&tree.root, &tree.control})
        TRY(check_writable(*directory).in("nothing was removed"));
    TRY_ASSIGN(FileLock lock, lock_control(tree.control, path));
    bool purge = options.purge;
    if (!purge && options.purge_them) {
        TRY_ASSIGN(const Ownership before, tell_apart(tree.root, rows));
        if (!before.users.empty()) purge = options.purge_them(before.users);
    }
    if (options.begin) options.begin();
    const place::Layout layout = place::layout_of(*installed, path);
    std::vector<std::string> warnings;
    if (!options.skip_scripts && installed->state.stage >= place::InstallStage::scripts) {
        warnings = run_removal_scripts(removal_scripts_of(installed->manifest, layout), tree.control);
        std::ranges::move(collect_messages(layout), std::back_inserter(warnings));
    }
    // Removal scripts may delete files that they created, so ours and the user's are told apart only after they ran.
    TRY_ASSIGN(Ownership found, purge ? everything(rows) : tell_apart(tree.root, rows));
    std::vector<fs::path> listed;
    for (format::Root which : layout.roots()) listed.push_back(layout.prefix(which));
    // conda's list may still have the place where it was installed.
    if (const auto old = place::moved_from(installed->state, path); old && !lexists(*old))
        for (const place::Layout there = place::layout_of(*installed, *old); format::Root which : layout.roots())
            listed.push_back(there.prefix(which));
    for (const fs::path& prefix : listed)
        if (auto gone = unregister_environment(prefix); !gone.ok())
            warnings.push_back(fmt::format("conda still lists this environment: {}", gone.error().message));
    UninstallSummary summary;
    TRY_ASSIGN(summary.removed,
               remove_installed(tree.root, rows, found.installed, "repeat --uninstall when that is repaired"));
    summary.kept = std::move(found.users);
    summary.warnings = std::move(warnings);
    if (purge) {
        TRY(remove_everything(tree.root));
    } else {
        TRY(remove_control(tree.root));
    }
    ::rmdir(path.c_str()); // stays when something of the user's is in it, and where it is a mount point
    return summary;
}

} // namespace tinderbox::install
