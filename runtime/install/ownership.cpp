#include "runtime/install/ownership.hpp"

#include "common/base/units.hpp"
#include "common/format/bytecode_path.hpp"
#include "runtime/install/integrity.hpp"
#include "runtime/place/control_files.hpp"

#include <algorithm>
#include <cerrno>
#include <set>

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

class Removal {
  public:
    explicit Removal(const Directory& root) : root_(root) {}

    void unlink(const std::string& path) {
        int error = root_.unlink(path);
        // Some packages ship directories without write permission.
        if (const auto slash = path.rfind('/'); error == EACCES && slash != std::string::npos)
            if (root_.change_mode(path.substr(0, slash), 0700) == 0) error = root_.unlink(path);
        if (error == 0) ++removed_;
        else if (error != ENOENT && error != ELOOP && error != ENOTDIR && failed_++ == 0) {
            error_ = error;
            first_failed_ = path;
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
    const Directory& root_;
    std::uint64_t removed_ = 0, failed_ = 0;
    std::string first_failed_;
    int error_ = 0;
};

} // namespace

Result<Ownership> tell_apart(const Directory& root, const std::vector<InstalledRow>& rows, unsigned jobs,
                             const std::function<void(std::uint64_t)>& progress) {
    std::vector<InstalledRow> compared;
    Names files, directories;
    for (const InstalledRow& row : rows) {
        if (row.kind == 'd') directories.insert(row.path);
        else files.insert(row.path);
        if (row.kind == 'f' || row.kind == 'l') compared.push_back(row);
    }
    TRY_ASSIGN(FileCheck check, compare_rows(root, compared, jobs, progress));
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

Result<std::uint64_t> remove_installed(const Directory& root, const std::vector<InstalledRow>& rows,
                                       const std::vector<std::string>& files, std::string_view again) {
    Removal removal(root);
    for (const std::string& path : files) removal.unlink(path);
    std::set<std::string> directories;
    struct stat st;
    for (const InstalledRow& row : rows)
        if (row.kind == 'd' && root.look(row.path, st) == 0 && S_ISDIR(st.st_mode)) directories.insert(row.path);
    // Bytecode that Python has written since belongs to the sources that are gone.
    for (const std::string& directory : directories) {
        removal.sweep_bytecode(directory);
        const std::string cache = directory + "/__pycache__";
        removal.sweep_bytecode(cache);
        (void)root.remove_directory(cache);
    }
    for (auto it = directories.rbegin(); it != directories.rend(); ++it) (void)root.remove_directory(*it);
    return removal.result(again);
}

} // namespace tinderbox::install
