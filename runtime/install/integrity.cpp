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

// Errors without the path, which stands in front of them.
Result<Sha256Digest> hash_installed(const Directory& root, const std::string& path) {
    const int opened = open_beneath(root.fd(), path, O_RDONLY | O_NONBLOCK);
    if (opened < 0) return Error{ErrorKind::storage, std::error_code(-opened, std::generic_category()).message()};
    const Fd fd(opened);
    FileRead read;
    read.drop_cached = true;
    TRY_ASSIGN(FileHash hash, hash_file(fd.get(), "the file", read));
    return hash.sha256;
}

} // namespace

std::optional<FileDifference> difference(const Directory& root, const InstalledRow& row) {
    using Kind = FileDifference::Kind;
    auto differs = [&](std::string what, Kind kind = Kind::changed) {
        return std::optional(FileDifference{row.path, std::move(what), kind});
    };
    auto unreadable = [&](const std::string& why) {
        return differs(fmt::format("cannot be read: {}", why), Kind::unreadable);
    };
    struct stat st;
    const int error = root.look(row.path, st);
    if (error == ENOENT) return differs("missing", Kind::missing);
    if (error == ELOOP || error == ENOTDIR) return differs("a directory above it is no directory any more");
    if (error != 0) return unreadable(std::error_code(error, std::generic_category()).message());
    if (row.kind == 'l') {
        auto target = S_ISLNK(st.st_mode) ? root.read_link(row.path) : Result<std::string>(Error{});
        if (!target.ok()) return differs("is no link any more");
        if (*target == row.link) return std::nullopt;
        return differs(fmt::format("links to '{}', was '{}'", *target, row.link));
    }
    if (row.kind == 'd') {
        if (!S_ISDIR(st.st_mode)) return differs("is no directory any more");
    } else {
        if (!S_ISREG(st.st_mode)) return differs("is no file any more");
        auto size = static_cast<std::uint64_t>(st.st_size);
        if (size != row.size) return differs(fmt::format("is {} bytes, was {}", size, row.size));
        auto digest = hash_installed(root, row.path);
        if (!digest.ok()) return unreadable(digest.error().message);
        if (*digest != row.sha256) return differs("content differs");
    }
    const unsigned mode = st.st_mode & 07777;
    if (mode == row.mode) return std::nullopt;
    return differs(fmt::format("mode is {:o}, was {:o}", mode, row.mode), Kind::mode);
}

Result<FileCheck> verify_files(const Directory& root, unsigned jobs,
                               const std::function<void(std::uint64_t)>& progress) {
    TRY_ASSIGN(Directory control, root.directory(place::control_directory));
    TRY_ASSIGN(auto rows, read_installed_list(control));
    return compare_rows(root, rows, jobs, progress);
}

Result<FileCheck> compare_rows(const Directory& root, const std::vector<InstalledRow>& rows, unsigned jobs,
                               const std::function<void(std::uint64_t)>& progress) {
    FileCheck check;
    std::mutex mutex;
    TRY(parallel_for(rows.size(), jobs, [&](std::size_t i) -> Status {
        auto differs = difference(root, rows[i]);
        std::lock_guard lock(mutex);
        if (rows[i].kind != 'd') {
            ++check.files;
            check.bytes += rows[i].size;
            if (progress) progress(check.files);
        }
        if (!differs) return {};
        const bool unknown = differs->kind == FileDifference::Kind::unreadable;
        (unknown ? check.unreadable : check.differences).push_back(*std::move(differs));
        return {};
    }));
    std::ranges::sort(check.differences, {}, &FileDifference::path);
    std::ranges::sort(check.unreadable, {}, &FileDifference::path);
    return check;
}

} // namespace tinderbox::install
