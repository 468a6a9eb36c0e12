// Looking at, and removing, what an earlier installation recorded.
#include "common/base/parallel.hpp"
#include "runtime/install/finish.hpp"
#include "runtime/install/place.hpp"
#include "runtime/install/records.hpp"
#include "runtime/install/staging.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <set>

namespace tinderbox {
namespace {

constexpr std::size_t piece_size = 1u << 20;

Result<std::vector<InstalledRow>> rows_of(const fs::path& prefix) {
    fs::path path = prefix / control_name / "installed";
    TRY_ASSIGN(std::string text, read_text(path));
    auto rows = parse_installed(text);
    if (!rows.ok()) return std::move(rows).error().in(path.string());
    return rows;
}

Result<Sha256Digest> hash_file(const fs::path& path) {
    TRY_ASSIGN(Fd fd, open_file(path, O_RDONLY | O_NOFOLLOW));
    Sha256 hash;
    Bytes piece(piece_size);
    for (off_t at = 0;;) {
        ssize_t n = ::pread(fd.get(), piece.data(), piece.size(), at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error(fmt::format("cannot read '{}'", path.string()), errno);
        if (n == 0) break;
        hash.update(ByteView(piece).first(static_cast<std::size_t>(n)));
        // Gigabytes that nobody asked to keep in memory.
        (void)::posix_fadvise(fd.get(), at, n, POSIX_FADV_DONTNEED);
        at += n;
    }
    return hash.finish();
}

// "" when the entry is as it was installed.
std::string difference(const fs::path& prefix, const InstalledRow& row) {
    const fs::path path = prefix / row.path;
    struct stat st;
    if (::lstat(path.c_str(), &st) != 0) return errno == ENOENT ? "missing" : "cannot be read";
    if (row.kind == 'l') {
        std::error_code ec;
        fs::path target = fs::read_symlink(path, ec);
        if (ec) return "is no link any more";
        return target == row.link ? "" : fmt::format("links to '{}', was '{}'", target.string(), row.link);
    }
    if (row.kind == 'd') {
        if (!S_ISDIR(st.st_mode)) return "is no directory any more";
    } else {
        if (!S_ISREG(st.st_mode)) return "is no file any more";
        auto size = static_cast<std::uint64_t>(st.st_size);
        if (size != row.size) return fmt::format("is {} bytes, was {}", size, row.size);
        auto digest = hash_file(path);
        if (!digest.ok()) return "cannot be read";
        if (*digest != row.sha256) return "content differs";
    }
    unsigned mode = st.st_mode & 07777;
    return mode == row.mode ? "" : fmt::format("mode is {:o}, was {:o}", mode, row.mode);
}

bool is_bytecode_of_ours(const fs::path& path) {
    return path.extension() == ".pyc" && path.parent_path().filename() == "__pycache__";
}

} // namespace

Result<FileCheck> verify_files(const fs::path& prefix, unsigned jobs,
                               const std::function<void(std::uint64_t)>& progress) {
    TRY_ASSIGN(auto rows, rows_of(prefix));
    FileCheck check;
    std::mutex mutex;
    TRY(parallel_for(rows.size(), jobs, [&](std::size_t i) -> Status {
        std::string what = difference(prefix, rows[i]);
        std::lock_guard lock(mutex);
        if (rows[i].kind != 'd') {
            ++check.files;
            check.bytes += rows[i].size;
            if (progress) progress(check.files);
        }
        if (!what.empty()) check.differences.push_back({rows[i].path, std::move(what)});
        return {};
    }));
    std::ranges::sort(check.differences, {}, &FileDifference::path);
    return check;
}

namespace {

// What is whose, found out before anything is removed.
class Removal {
  public:
    Removal(const fs::path& prefix, std::vector<InstalledRow> rows) : prefix_(prefix), rows_(std::move(rows)) {}

    void look(bool purge) {
        std::error_code ec;
        for (const InstalledRow& row : rows_)
            if (row.kind == 'd') {
                // A file below a directory that has become a link is somebody else's.
                if (fs::symlink_status(prefix_ / row.path, ec).type() == fs::file_type::directory)
                    directories_.insert(row.path);
            } else files_.insert(row.path);
        for (const InstalledRow& row : rows_) {
            if (row.kind == 'd') continue;
            std::string parent = fs::path(row.path).parent_path().string();
            if (!parent.empty() && !directories_.contains(parent)) continue;
            bool unchanged = purge || row.kind == 'c';
            std::string what = unchanged ? "" : difference(prefix_, row);
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
            for (const fs::path& cache : {prefix_ / directory, prefix_ / directory / "__pycache__"}) {
                std::vector<fs::path> files;
                for (fs::directory_iterator it(cache, ec), end; !ec && it != end; it.increment(ec))
                    if (is_bytecode_of_ours(it->path())) files.push_back(it->path());
                for (const fs::path& file : files) ::unlink(file.c_str());
                if (cache.filename() == "__pycache__") ::rmdir(cache.c_str());
            }
        for (auto it = directories_.rbegin(); it != directories_.rend(); ++it) ::rmdir((prefix_ / *it).c_str());
        if (failed_ == 0) return std::move(summary_);
        return make_error(
            ErrorKind::storage,
            "{} files could not be removed, the first is '{}': {}; repeat --uninstall when that is repaired", failed_,
            (prefix_ / first_failed_).string(), std::error_code(error_, std::generic_category()).message());
    }

  private:
    void look_for_additions(const std::string& directory) {
        std::error_code ec;
        for (fs::directory_iterator it(prefix_ / directory, ec), end; !ec && it != end; it.increment(ec)) {
            std::string name = it->path().filename().string();
            std::string path = directory.empty() ? name : directory + "/" + name;
            if (path == control_name || files_.contains(path)) continue;
            std::error_code type_error;
            bool is_directory = it->symlink_status(type_error).type() == fs::file_type::directory;
            if (is_directory && directories_.contains(path)) look_for_additions(path);
            else if (is_directory ? !(name == "__pycache__" && only_bytecode(it->path()))
                                  : !is_bytecode_of_ours(it->path()))
                summary_.kept.push_back(is_directory ? path + "/" : path);
        }
    }

    static bool only_bytecode(const fs::path& cache) {
        std::error_code ec;
        for (fs::directory_iterator it(cache, ec), end; !ec && it != end; it.increment(ec))
            if (!is_bytecode_of_ours(it->path())) return false;
        return !ec;
    }

    void unlink(const std::string& path) {
        const fs::path file = prefix_ / path;
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

    const fs::path& prefix_;
    std::vector<InstalledRow> rows_;
    std::set<std::string> directories_, files_;
    std::vector<std::string> ours_;
    UninstallSummary summary_;
    std::uint64_t failed_ = 0;
    std::string first_failed_;
    int error_ = 0;
};

} // namespace

Result<UninstallSummary> uninstall(const fs::path& prefix, const UninstallOptions& options) {
    TRY_ASSIGN(auto state, read_state(prefix));
    if (!state) return make_error(ErrorKind::storage, "there is no Tinderbox environment in '{}'", prefix.string());
    TRY_ASSIGN(auto rows, rows_of(prefix));
    for (const fs::path& place : {prefix, prefix / control_name})
        if (::access(place.c_str(), W_OK) != 0)
            return errno_error(fmt::format("nothing was removed: '{}' cannot be written", place.string()), errno);
    TRY_ASSIGN(auto lock, FileLock::try_acquire(prefix / control_name / "lock"));
    if (!lock)
        return make_error(ErrorKind::storage, "another installer is working on '{}'; wait until it ends",
                          prefix.string());
    bool purge = options.purge;
    if (!purge && options.purge_them) {
        Removal before(prefix, rows);
        before.look(false);
        if (!before.kept().empty()) purge = options.purge_them(before.kept());
    }
    if (options.begin) options.begin();
    const InstallPlace place = installed_place(*state, prefix);
    std::vector<std::string> warnings;
    if (!options.skip_scripts && state->stage >= InstallStage::scripts) {
        warnings = run_removal_scripts(removal_scripts_of(state->manifest, place), prefix / control_name);
        std::ranges::move(take_messages(place), std::back_inserter(warnings));
    }
    // Scripts take back what they once made: what is whose is found out after them.
    Removal removal(prefix, std::move(rows));
    removal.look(purge);
    for (Root root : place.roots()) TRY(unregister_environment(place.prefix(root)));
    TRY_ASSIGN(UninstallSummary summary, removal.remove());
    summary.warnings = std::move(warnings);
    if (purge) {
        summary.kept.clear();
        TRY(remove_tree(prefix));
        return summary;
    }
    TRY(remove_tree(prefix / control_name));
    ::rmdir(prefix.c_str());
    return summary;
}

Result<UninstallSummary> uninstall(const fs::path& prefix, bool purge) {
    UninstallOptions options;
    options.purge = purge;
    return uninstall(prefix, options);
}

} // namespace tinderbox
