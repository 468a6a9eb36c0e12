#include "runtime/install/uninstall.hpp"

#include "common/base/stopwatch.hpp"
#include "runtime/install/control_files.hpp"
#include "runtime/install/generations.hpp"
#include "runtime/install/lock.hpp"
#include "runtime/install/ownership.hpp"
#include "runtime/install/registry.hpp"
#include "runtime/install/scripts.hpp"
#include "runtime/place/control_files.hpp"
#include "runtime/place/place.hpp"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace tinderbox::install {
namespace {

Status remove_everything(const Directory& root) {
    TRY_ASSIGN(auto entries, root.entries());
    for (const Directory::Entry& entry : entries) TRY(root.remove_tree(entry.name));
    return {};
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
    UninstallSummary summary;
    Stopwatch watch(summary.seconds);
    bool purge = options.purge;
    // Kept while nobody could change a file since: until a question was asked or a script ran.
    std::optional<Ownership> owners;
    if (!purge && options.purge_them) {
        TRY_ASSIGN(owners, tell_apart(tree.root, rows, options.work));
        watch.lap("compare");
        if (!owners->users.empty()) {
            purge = options.purge_them(owners->users);
            owners.reset();
            watch.skip();
        }
    }
    if (options.begin) options.begin();
    const place::Layout layout = place::layout_of(*installed, path);
    if (!options.skip_scripts && installed->state.stage >= place::InstallStage::scripts) {
        const auto scripts = removal_scripts_of(installed->manifest, layout);
        summary.warnings = run_removal_scripts(scripts, tree.control, options.work);
        std::ranges::move(collect_messages(layout), std::back_inserter(summary.warnings));
        if (!scripts.empty()) owners.reset();
        if (!scripts.empty()) watch.lap("scripts");
    }
    // Removal scripts may delete files that they created, so ours and the user's are told apart only after they ran.
    if (purge) {
        owners = Ownership{listed_files(rows), {}};
    } else if (!owners) {
        TRY_ASSIGN(owners, tell_apart(tree.root, rows, options.work));
        watch.lap("compare");
    }
    std::vector<fs::path> listed;
    for (format::Root which : layout.roots()) listed.push_back(layout.prefix(which));
    // conda's list may still have the place where it was installed.
    if (const auto old = place::moved_from(installed->state, path); old && !lexists(*old))
        for (const place::Layout there = place::layout_of(*installed, *old); format::Root which : layout.roots())
            listed.push_back(there.prefix(which));
    for (const fs::path& prefix : listed)
        if (auto gone = unregister_environment(prefix); !gone.ok())
            summary.warnings.push_back(fmt::format("conda still lists this environment: {}", gone.error().message));
    TRY_ASSIGN(summary.removed, remove_installed(tree.root, rows, owners->installed,
                                                 "repeat --uninstall when that is repaired", options.work));
    summary.kept = std::move(owners->users);
    if (purge) {
        TRY(remove_everything(tree.root));
    } else {
        TRY(remove_control(tree.root));
    }
    if (purge) TRY(remove_generations(path, options.trust, options.work));
    ::rmdir(path.c_str()); // stays when something of the user's is in it, and where it is a mount point
    watch.lap("remove");
    return summary;
}

} // namespace tinderbox::install
