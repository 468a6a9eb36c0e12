// Looking at, and removing, what an earlier installation recorded.
#include "common/base/parallel.hpp"
#include "runtime/install/finish.hpp"
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

Result<FileCheck> verify_files(const fs::path& prefix, unsigned jobs, const std::function<void(std::uint64_t)>& progress) {
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

Result<UninstallSummary> uninstall(const fs::path& prefix, bool purge) {
    TRY_ASSIGN(auto state, read_state(prefix));
    if (!state) return make_error(ErrorKind::storage, "there is no Tinderbox environment in '{}'", prefix.string());
    TRY_ASSIGN(auto rows, rows_of(prefix));
    TRY_ASSIGN(auto lock, FileLock::try_acquire(prefix / control_name / "lock"));
    if (!lock) return make_error(ErrorKind::storage, "another installer is working on '{}'; wait until it ends", prefix.string());
    TRY(unregister_environment(prefix));
    UninstallSummary summary;
    // A file below a directory that has become a link is somebody else's.
    std::set<std::string> directories;
    std::error_code ec;
    for (const InstalledRow& row : rows)
        if (row.kind == 'd' && fs::symlink_status(prefix / row.path, ec).type() == fs::file_type::directory)
            directories.insert(row.path);
    for (const InstalledRow& row : rows) {
        if (row.kind == 'd') continue;
        std::string parent = fs::path(row.path).parent_path().string();
        bool unchanged = (parent.empty() || directories.contains(parent)) &&
                         (purge || row.kind == 'c' || difference(prefix, row).empty());
        if (unchanged && ::unlink((prefix / row.path).c_str()) == 0) ++summary.removed;
    }
    // Bytecode that Python has written since belongs to the sources that are gone.
    for (const std::string& directory : directories)
        for (const fs::path& cache : {prefix / directory, prefix / directory / "__pycache__"}) {
            std::vector<fs::path> files;
            for (fs::directory_iterator it(cache, ec), end; !ec && it != end; it.increment(ec))
                if (is_bytecode_of_ours(it->path())) files.push_back(it->path());
            for (const fs::path& file : files) ::unlink(file.c_str());
            if (cache.filename() == "__pycache__") ::rmdir(cache.c_str());
        }
    for (auto it = directories.rbegin(); it != directories.rend(); ++it) ::rmdir((prefix / *it).c_str());
    if (purge) {
        TRY(remove_tree(prefix));
        return summary;
    }
    TRY(remove_tree(prefix / control_name));
    for (fs::recursive_directory_iterator it(prefix, ec), end; !ec && it != end; it.increment(ec))
        if (!it->is_directory(ec) || it->is_symlink(ec)) summary.kept.push_back(it->path().lexically_relative(prefix).string());
    std::ranges::sort(summary.kept);
    ::rmdir(prefix.c_str());
    return summary;
}

} // namespace tinderbox
