#include "runtime/install/uninstall.hpp"

#include "common/format/bytecode_path.hpp"
#include "runtime/install/control_files.hpp"
#include "runtime/install/integrity.hpp"
#include "runtime/install/lock.hpp"
#include "runtime/install/registry.hpp"
#include "runtime/install/scripts.hpp"
#include "runtime/place/control_files.hpp"
#include "runtime/place/place.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

namespace tinderbox::install {
namespace {

// Tells the installer's entries from the user's (look), then removes the former (remove). An entry behind a link is not
// the installer's: the link is the user's, and leads to other files of theirs.
class Removal {
  public:
    Removal(const Directory& root, std::vector<InstalledRow> rows) : root_(root), rows_(std::move(rows)) {}

    void look(bool purge) {
        struct stat st;
        for (const InstalledRow& row : rows_)
            if (row.kind != 'd') files_.insert(row.path);
            else if (root_.look(row.path, st) == 0 && S_ISDIR(st.st_mode)) directories_.insert(row.path);
        for (const InstalledRow& row : rows_) {
            if (row.kind == 'd' || root_.look(row.path, st) != 0) continue;
            const bool unchanged = purge || row.kind == 'c';
            if (unchanged || difference(root_, row).empty()) ours_.push_back(row.path);
            else summary_.kept.push_back(row.path);
        }
        look_for_additions("");
        std::ranges::sort(summary_.kept);
    }

    const std::vector<std::string>& kept() const { return summary_.kept; }

    Result<UninstallSummary> remove() {
        for (const std::string& path : ours_) unlink(path);
        // Bytecode that Python has written since belongs to the sources that are gone.
        for (const std::string& directory : directories_) {
            sweep(directory);
            const std::string cache = directory + "/__pycache__";
            sweep(cache);
            (void)root_.remove_directory(cache);
        }
        for (auto it = directories_.rbegin(); it != directories_.rend(); ++it) (void)root_.remove_directory(*it);
        if (failed_ == 0) return std::move(summary_);
        return make_error(
            ErrorKind::storage,
            "{} files could not be removed, the first is '{}': {}; repeat --uninstall when that is repaired", failed_,
            root_.shown(first_failed_), std::error_code(error_, std::generic_category()).message());
    }

  private:
    // Nothing where the directory is gone or has become a link.
    std::vector<Directory::Entry> entries_of(const std::string& directory) const {
        auto opened = directory.empty() ? Result<Directory>(Directory()) : root_.directory(directory);
        if (!opened.ok()) return {};
        auto entries = (directory.empty() ? root_ : *opened).entries();
        return entries.ok() ? *std::move(entries) : std::vector<Directory::Entry>();
    }

    void look_for_additions(const std::string& directory) {
        for (const Directory::Entry& entry : entries_of(directory)) {
            const std::string path = directory.empty() ? entry.name : directory + "/" + entry.name;
            if (path == place::control_directory || files_.contains(path)) continue;
            if (entry.is_directory && directories_.contains(path)) look_for_additions(path);
            else if (entry.is_directory ? !(entry.name == "__pycache__" && only_bytecode(path))
                                        : !format::is_cached_bytecode(path))
                summary_.kept.push_back(entry.is_directory ? path + "/" : path);
        }
    }

    bool only_bytecode(const std::string& cache) const {
        return std::ranges::all_of(entries_of(cache), [&](const Directory::Entry& entry) {
            return format::is_cached_bytecode(cache + "/" + entry.name);
        });
    }

    void sweep(const std::string& directory) const {
        for (const Directory::Entry& entry : entries_of(directory)) {
            const std::string path = directory + "/" + entry.name;
            if (!entry.is_directory && format::is_cached_bytecode(path)) (void)root_.unlink(path);
        }
    }

    void unlink(const std::string& path) {
        int error = root_.unlink(path);
        // Some packages ship directories without write permission.
        if (const auto slash = path.rfind('/'); error == EACCES && slash != std::string::npos)
            if (root_.change_mode(path.substr(0, slash), 0700) == 0) error = root_.unlink(path);
        if (error == 0) ++summary_.removed;
        else if (error != ENOENT && failed_++ == 0) {
            error_ = error;
            first_failed_ = path;
        }
    }

    const Directory& root_;
    std::vector<InstalledRow> rows_;
    std::set<std::string> directories_, files_;
    std::vector<std::string> ours_;
    UninstallSummary summary_;
    std::uint64_t failed_ = 0;
    std::string first_failed_;
    int error_ = 0;
};

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
    bool purge = options.purge;
    if (!purge && options.purge_them) {
        Removal before(tree.root, rows);
        before.look(false);
        if (!before.kept().empty()) purge = options.purge_them(before.kept());
    }
    if (options.begin) options.begin();
    const place::Layout layout = place::layout_of(*installed, path);
    std::vector<std::string> warnings;
    if (!options.skip_scripts && installed->state.stage >= place::InstallStage::scripts) {
        warnings = run_removal_scripts(removal_scripts_of(installed->manifest, layout), tree.control);
        std::ranges::move(collect_messages(layout), std::back_inserter(warnings));
    }
    // Removal scripts may delete files that they created, so ours and the user's are told apart only after they ran.
    Removal removal(tree.root, std::move(rows));
    removal.look(purge);
    for (format::Root which : layout.roots())
        if (auto gone = unregister_environment(layout.prefix(which)); !gone.ok())
            warnings.push_back(fmt::format("conda still lists this environment: {}", gone.error().message));
    TRY_ASSIGN(UninstallSummary summary, removal.remove());
    summary.warnings = std::move(warnings);
    if (purge) {
        summary.kept.clear();
        TRY(remove_everything(tree.root));
    } else {
        TRY(remove_control(tree.root));
    }
    ::rmdir(path.c_str()); // stays when something of the user's is in it, and where it is a mount point
    return summary;
}

} // namespace tinderbox::install
