#include "runtime/install/integrity.hpp"

#include "common/base/hash_file.hpp"
#include "common/base/parallel.hpp"
#include "runtime/place/control_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>

namespace tinderbox::install {
namespace {

Result<Sha256Digest> hash_installed(const Directory& root, const std::string& path) {
    TRY_ASSIGN(Fd fd, root.open_file(path, O_RDONLY | O_NONBLOCK));
    FileRead read;
    read.drop_cached = true;
    TRY_ASSIGN(FileHash hash, hash_file(fd.get(), path, read));
    return hash.sha256;
}

} // namespace

std::string difference(const Directory& root, const InstalledRow& row) {
    struct stat st;
    const int error = root.look(row.path, st);
    if (error == ENOENT) return std::string(missing);
    if (error == ELOOP || error == ENOTDIR) return "a directory above it is no directory any more";
    if (error != 0) return "cannot be read";
    if (row.kind == 'l') {
        auto target = S_ISLNK(st.st_mode) ? root.read_link(row.path) : Result<std::string>(Error{});
        if (!target.ok()) return "is no link any more";
        return *target == row.link ? "" : fmt::format("links to '{}', was '{}'", *target, row.link);
    }
    if (row.kind == 'd') {
        if (!S_ISDIR(st.st_mode)) return "is no directory any more";
    } else {
        if (!S_ISREG(st.st_mode)) return "is no file any more";
        auto size = static_cast<std::uint64_t>(st.st_size);
        if (size != row.size) return fmt::format("is {} bytes, was {}", size, row.size);
        auto digest = hash_installed(root, row.path);
        if (!digest.ok()) return "cannot be read";
        if (*digest != row.sha256) return "content differs";
    }
    unsigned mode = st.st_mode & 07777;
    return mode == row.mode ? "" : fmt::format("mode is {:o}, was {:o}", mode, row.mode);
}

Result<FileCheck> verify_files(const Directory& root, unsigned jobs,
                               const std::function<void(std::uint64_t)>& progress) {
    TRY_ASSIGN(Directory control, root.directory(place::control_directory));
    TRY_ASSIGN(auto rows, read_installed_list(control));
    FileCheck check;
    std::mutex mutex;
    TRY(parallel_for(rows.size(), jobs, [&](std::size_t i) -> Status {
        std::string what = difference(root, rows[i]);
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

} // namespace tinderbox::install
