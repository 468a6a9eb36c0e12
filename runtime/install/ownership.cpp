#include "runtime/install/ownership.hpp"

#include "common/base/parallel.hpp"
#include "common/base/progress.hpp"
#include "common/base/units.hpp"
#include "common/format/bytecode_path.hpp"
#include "runtime/install/integrity.hpp"
#include "runtime/place/control_files.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <utility>

namespace tinderbox::install {
namespace {

using Names = std::set<std::string_view>;

// Nothing where the directory is gone or has become a link.
std::vector<Directory::Entry> entries_of(const Directory& root, const std::string& path) {
    auto opened = path.empty() ? Result<Directory>(Directory()) : root.directory(path);
    if (!opened.ok()) return {};
    auto entries = (path.empty() ? root : *opened).entries();
    return entries.ok() ? *std::move(entries) : std::vector<Directory::Entry>();
}

class Additions {
  public:
    Additions(const Directory& root, const Names& files, const Names& directories, std::vector<std::string>& out)
        : root_(root), files_(files), directories_(directories), out_(out) {}

    void look(const std::string& directory) {
        for (const Directory::Entry& entry : entries_of(root_, directory)) {
            const std::string path = directory.empty() ? entry.name : directory + "/" + entry.name;
            if (path == place::control_directory || files_.contains(path)) continue;
            if (!entry.is_directory) {
                if (!format::is_cached_bytecode(path)) out_.push_back(path);
            } else if (directories_.contains(path)) {
                look(path);
            } else if (entry.name != "__pycache__" || !only_bytecode(path)) {
                out_.push_back(path + "/");
            }
        }
    }

  private:
    bool only_bytecode(const std::string& cache) const {
        return std::ranges::all_of(entries_of(root_, cache), [&](const Directory::Entry& entry) {
            return format::is_cached_bytecode(cache + "/" + entry.name);
        });
    }

    const Directory& root_;
    const Names& files_;
    const Names& directories_;
    std::vector<std::string>& out_;
};

// The names of `files` by the directory that holds them, because entries of one directory are removed one by one: the
// kernel locks it.
std::vector<std::pair<std::string, std::vector<std::string>>> by_directory(const std::vector<std::string>& files) {
    std::map<std::string, std::vector<std::string>, std::less<>> found;
    for (const std::string& path : files) {
        const auto slash = path.rfind('/');
        const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
        found[path.substr(0, name == 0 ? 0 : slash)].push_back(path.substr(name));
    }
    return {std::make_move_iterator(found.begin()), std::make_move_iterator(found.end())};
}

// Removes files in several threads.
class Removal {
  public:
    Removal(const Directory& root, std::uint64_t files, const TreeWork& work)
        : root_(root), counter_(work.tell(InstallProgress::Work::remove), files) {}

    void unlink(const std::string& directory, const std::vector<std::string>& names) {
        // Nothing is removed behind a link that is in the place of the directory. In one that cannot be opened for
        // reading, entries may be removed all the same.
        auto opened = directory.empty() ? Result<Directory>(Directory()) : root_.directory(directory);
        for (const std::string& name : names) {
            const std::string path = directory.empty() ? name : directory + "/" + name;
            auto remove = [&] { return directory.empty() || !opened.ok() ? root_.unlink(path) : opened->unlink(name); };
            auto make_writable = [&] {
                return opened.ok() ? ::fchmod(opened->fd(), 0700) == 0 : root_.change_mode(directory, 0700) == 0;
            };
            int error = remove();
            // Some packages ship directories without write permission.
            if (error == EACCES && !directory.empty() && make_writable()) error = remove();
            count(error, path);
        }
    }

    void sweep_bytecode(const std::string& directory) const {
        for (const Directory::Entry& entry : entries_of(root_, directory)) {
            const std::string path = directory + "/" + entry.name;
            if (!entry.is_directory && format::is_cached_bytecode(path)) (void)root_.unlink(path);
        }
    }

    Result<std::uint64_t> result(std::string_view again) const {
        if (failed_ == 0) return removed_;
        return make_error(ErrorKind::storage, "{} could not be removed, the first is '{}': {}; {}",
                          counted(failed_, "file"), root_.shown(first_failed_),
                          std::error_code(error_, std::generic_category()).message(), again);
    }

  private:
    void count(int error, const std::string& path) {
        counter_.add(1);
        if (error == 0) {
            ++removed_;
            return;
        }
        if (error == ENOENT || error == ELOOP || error == ENOTDIR) return;
        const std::lock_guard lock(mutex_);
        if (failed_++ != 0 && first_failed_ < path) return; // the same message, whichever thread was first
        error_ = error;
        first_failed_ = path;
    }

    const Directory& root_;
    ProgressCounter counter_;
    std::atomic<std::uint64_t> removed_ = 0;
    std::mutex mutex_;
    std::uint64_t failed_ = 0;
    std::string first_failed_;
    int error_ = 0;
};

} // namespace

Result<Ownership> tell_apart(const Directory& root, const std::vector<InstalledRow>& rows, const TreeWork& work,
                             const Directory* twin) {
    auto lives_on = [&](const InstalledRow& row) {
        struct stat here, there;
        return twin && row.kind == 'f' && root.look(row.path, here) == 0 && twin->look(row.path, there) == 0 &&
               same_file(here, there);
    };
    std::vector<InstalledRow> compared;
    Names files, directories;
    for (const InstalledRow& row : rows) {
        if (row.kind == 'd') directories.insert(row.path);
        else files.insert(row.path);
        if ((row.kind == 'f' || row.kind == 'l') && !lives_on(row)) compared.push_back(row);
    }
    TRY_ASSIGN(FileCheck check, compare_rows(root, compared, work));
    Ownership out;
    Names theirs, gone;
    for (const std::vector<FileDifference>* list : {&check.differences, &check.unreadable})
        for (const FileDifference& d : *list)
            if (d.kind == FileDifference::Kind::missing) gone.insert(d.path);
            else if (d.kind != FileDifference::Kind::mode) theirs.insert(d.path);
    struct stat st;
    for (const InstalledRow& row : rows) {
        if (row.kind == 'd' || gone.contains(row.path)) continue;
        // What is behind a link of the user's is told with the link.
        if ((row.kind == 'c' || theirs.contains(row.path)) && root.look(row.path, st) != 0) continue;
        (theirs.contains(row.path) ? out.users : out.installed).push_back(row.path);
    }
    Additions(root, files, directories, out.users).look("");
    std::ranges::sort(out.users);
    return out;
}

std::vector<std::string> listed_files(const std::vector<InstalledRow>& rows) {
    std::vector<std::string> out;
    for (const InstalledRow& row : rows)
        if (row.kind != 'd') out.push_back(row.path);
    return out;
}

Status remove_whole(const Directory& parent, const std::string& name, const TreeWork& work) {
    auto root = parent.directory(name);
    auto control = root.ok() ? root->directory(place::control_directory) : Result<Directory>(root.error());
    auto rows = control.ok() ? read_installed_list(*control) : Result<std::vector<InstalledRow>>(control.error());
    if (rows.ok()) {
        auto removed = remove_installed(*root, *rows, listed_files(*rows), "", work);
        if (!removed.ok() && removed.error().kind == ErrorKind::interrupted) return std::move(removed).error();
    }
    return parent.remove_tree(name); // says what is in the way
}

Result<std::uint64_t> remove_installed(const Directory& root, const std::vector<InstalledRow>& rows,
                                       const std::vector<std::string>& files, std::string_view again,
                                       const TreeWork& work) {
    auto go_on = [&]() -> Status {
        if (!work.stopped()) return {};
        return make_error(ErrorKind::interrupted, "interrupted while the files were removed");
    };
    Removal removal(root, files.size(), work);
    const auto groups = by_directory(files);
    TRY(parallel_for(groups.size(), work.jobs, [&](std::size_t i) -> Status {
        TRY(go_on());
        removal.unlink(groups[i].first, groups[i].second);
        return {};
    }));
    std::set<std::string> directories;
    struct stat st;
    for (const InstalledRow& row : rows)
        if (row.kind == 'd' && root.look(row.path, st) == 0 && S_ISDIR(st.st_mode)) directories.insert(row.path);
    // Bytecode that Python has written since belongs to the sources that are gone.
    const std::vector<std::string> swept(directories.begin(), directories.end());
    TRY(parallel_for(swept.size(), work.jobs, [&](std::size_t i) -> Status {
        TRY(go_on());
        removal.sweep_bytecode(swept[i]);
        const std::string cache = swept[i] + "/__pycache__";
        removal.sweep_bytecode(cache);
        (void)root.remove_directory(cache);
        return {};
    }));
    for (auto it = directories.rbegin(); it != directories.rend(); ++it) (void)root.remove_directory(*it);
    return removal.result(again);
}

} // namespace tinderbox::install
