#include "runtime/install/uninstall.hpp"

#include "common/format/bytecode_path.hpp"
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

bool is_bytecode(const fs::path& path) { return format::is_cached_bytecode(path.native()); }

// Tells the installer's entries from the user's (look), then removes the former (remove).
class Removal {
  public:
    Removal(const fs::path& root, std::vector<InstalledRow> rows) : root_(root), rows_(std::move(rows)) {}

    void look(bool purge) {
        std::error_code ec;
        for (const InstalledRow& row : rows_)
            if (row.kind == 'd') {
                // A file below a directory that has become a link is somebody else's.
                if (fs::symlink_status(root_ / row.path, ec).type() == fs::file_type::directory)
                    directories_.insert(row.path);
            } else files_.insert(row.path);
        for (const InstalledRow& row : rows_) {
            if (row.kind == 'd') continue;
            std::string parent = fs::path(row.path).parent_path().string();
            if (!parent.empty() && !directories_.contains(parent)) continue;
            bool unchanged = purge || row.kind == 'c';
            std::string what = unchanged ? "" : difference(root_, row);
            if (what.empty()) ours_.push_back(row.path);
            else if (what != "missing") summary_.kept.push_back(row.path);
        }
        look_for_additions("");
        std::ranges::sort(summary_.kept);
    }

    const std::vector<std::string>& kept() const { return summary_.kept; }

    Result<UninstallSummary> remove() {
        for (const std::string& path : ours_) unlink(path);
        std::error_code ec;
        // Bytecode that Python has written since belongs to the sources that are gone.
        for (const std::string& directory : directories_)
            for (const fs::path& cache : {root_ / directory, root_ / directory / "__pycache__"}) {
                std::vector<fs::path> files;
                for (fs::directory_iterator it(cache, ec), end; !ec && it != end; it.increment(ec))
                    if (is_bytecode(it->path())) files.push_back(it->path());
                for (const fs::path& file : files) ::unlink(file.c_str());
                if (cache.filename() == "__pycache__") ::rmdir(cache.c_str());
            }
        for (auto it = directories_.rbegin(); it != directories_.rend(); ++it) ::rmdir((root_ / *it).c_str());
        if (failed_ == 0) return std::move(summary_);
        return make_error(
            ErrorKind::storage,
            "{} files could not be removed, the first is '{}': {}; repeat --uninstall when that is repaired", failed_,
            (root_ / first_failed_).string(), std::error_code(error_, std::generic_category()).message());
    }

  private:
    void look_for_additions(const std::string& directory) {
        std::error_code ec;
        for (fs::directory_iterator it(root_ / directory, ec), end; !ec && it != end; it.increment(ec)) {
            std::string name = it->path().filename().string();
            std::string path = directory.empty() ? name : directory + "/" + name;
            if (path == place::control_directory || files_.contains(path)) continue;
            std::error_code type_error;
            bool is_directory = it->symlink_status(type_error).type() == fs::file_type::directory;
            if (is_directory && directories_.contains(path)) look_for_additions(path);
            else if (is_directory ? !(name == "__pycache__" && only_bytecode(it->path())) : !is_bytecode(it->path()))
                summary_.kept.push_back(is_directory ? path + "/" : path);
        }
    }

    static bool only_bytecode(const fs::path& cache) {
        std::error_code ec;
        for (fs::directory_iterator it(cache, ec), end; !ec && it != end; it.increment(ec))
            if (!is_bytecode(it->path())) return false;
        return !ec;
    }

    void unlink(const std::string& path) {
        const fs::path file = root_ / path;
        if (::unlink(file.c_str()) == 0) {
            ++summary_.removed;
            return;
        }
        if (errno == ENOENT) return;
        // Some packages ship directories without write permission.
        if (errno == EACCES && ::chmod(file.parent_path().c_str(), 0700) == 0 && ::unlink(file.c_str()) == 0) {
            ++summary_.removed;
            return;
        }
        if (failed_++ == 0) {
            error_ = errno;
            first_failed_ = path;
        }
    }

    const fs::path& root_;
    std::vector<InstalledRow> rows_;
    std::set<std::string> directories_, files_;
    std::vector<std::string> ours_;
    UninstallSummary summary_;
    std::uint64_t failed_ = 0;
    std::string first_failed_;
    int error_ = 0;
};

} // namespace

Result<UninstallSummary> uninstall(const fs::path& root, const UninstallOptions& options) {
    TRY_ASSIGN(auto installed, place::read_installed(root));
    if (!installed) return make_error(ErrorKind::storage, "there is no Tinderbox environment in '{}'", root.string());
    TRY_ASSIGN(auto rows, read_installed_list(root));
    TRY(check_writable(root).in("nothing was removed"));
    TRY_ASSIGN(FileLock lock, lock_root(root));
    bool purge = options.purge;
    if (!purge && options.purge_them) {
        Removal before(root, rows);
        before.look(false);
        if (!before.kept().empty()) purge = options.purge_them(before.kept());
    }
    if (options.begin) options.begin();
    const place::Layout layout = place::layout_of(*installed, root);
    const fs::path control = root / place::control_directory;
    std::vector<std::string> warnings;
    if (!options.skip_scripts && installed->state.stage >= place::InstallStage::scripts) {
        warnings = run_removal_scripts(removal_scripts_of(installed->manifest, layout), control);
        std::ranges::move(collect_messages(layout), std::back_inserter(warnings));
    }
    // Removal scripts may delete files that they created, so ours and the user's are told apart only after they ran.
    Removal removal(root, std::move(rows));
    removal.look(purge);
    for (format::Root which : layout.roots())
        if (auto gone = unregister_environment(layout.prefix(which)); !gone.ok())
            warnings.push_back(fmt::format("conda still lists this environment: {}", gone.error().message));
    TRY_ASSIGN(UninstallSummary summary, removal.remove());
    summary.warnings = std::move(warnings);
    if (purge) {
        summary.kept.clear();
        TRY(remove_tree(root));
        return summary;
    }
    TRY(remove_tree(control));
    ::rmdir(root.c_str()); // stays when something of the user's is in it
    return summary;
}

} // namespace tinderbox::install
