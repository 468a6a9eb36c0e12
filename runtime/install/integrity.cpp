#include "runtime/install/integrity.hpp"

#include "common/base/hash_file.hpp"
#include "common/base/parallel.hpp"
#include "common/base/progress.hpp"
#include "runtime/place/control_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <mutex>
#include <numeric>
#include <utility>

namespace tinderbox::install {
namespace {

// Errors without the path, which stands in front of them.
Result<Sha256Digest> hash_installed(const Directory& root, const std::string& path,
                                    const std::function<void(std::uint64_t)>& tell) {
    const int opened = open_beneath(root.fd(), path, O_RDONLY | O_NONBLOCK);
    if (opened < 0) return Error{ErrorKind::storage, std::error_code(-opened, std::generic_category()).message()};
    const Fd fd(opened);
    FileRead read;
    read.past_cache = true;
    std::uint64_t told = 0;
    if (tell) read.progress = [&](std::uint64_t done) { tell(done - std::exchange(told, done)); };
    TRY_ASSIGN(FileHash hash, hash_file(fd.get(), "the file", read));
    return hash.sha256;
}

} // namespace

std::optional<FileDifference> difference(const Directory& root, const InstalledRow& row,
                                         const std::function<void(std::uint64_t)>& read) {
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
        auto digest = hash_installed(root, row.path, read);
        if (!digest.ok()) return unreadable(digest.error().message);
        if (*digest != row.sha256) return differs("content differs");
    }
    const unsigned mode = st.st_mode & 07777;
    if (mode == row.mode) return std::nullopt;
    return differs(fmt::format("mode is {:o}, was {:o}", mode, row.mode), Kind::mode);
}

Result<FileCheck> verify_files(const Directory& root, const TreeWork& work) {
    TRY_ASSIGN(Directory control, root.directory(place::control_directory));
    TRY_ASSIGN(auto rows, read_installed_list(control));
    return compare_rows(root, rows, work);
}

Result<FileCheck> compare_rows(const Directory& root, const std::vector<InstalledRow>& rows, const TreeWork& work) {
    FileCheck check;
    for (const InstalledRow& row : rows) {
        if (row.kind == 'd') continue;
        ++check.files;
        check.bytes += row.size;
    }
    // The largest files first, so that no thread reads one alone at the end; the rest directory by directory.
    constexpr std::uint64_t large = 8u << 20;
    std::vector<std::size_t> order(rows.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto small = std::ranges::stable_partition(order, [&](std::size_t i) { return rows[i].size >= large; });
    std::ranges::sort(order.begin(), small.begin(), std::greater(), [&](std::size_t i) { return rows[i].size; });
    ProgressCounter counter(work.tell(InstallProgress::Work::compare), check.bytes);
    std::mutex mutex;
    // Twice the threads, because a thread waits for the disk half of the time.
    const unsigned threads = 2 * (work.jobs != 0 ? work.jobs : available_cpus());
    TRY(parallel_for(rows.size(), threads, [&](std::size_t n) -> Status {
        const std::size_t i = order[n];
        if (work.stopped()) return make_error(ErrorKind::interrupted, "interrupted while the files were compared");
        std::uint64_t counted = 0;
        auto differs = difference(root, rows[i], [&](std::uint64_t bytes) {
            counted += bytes;
            counter.add(bytes);
        });
        // Of links nothing is read, and of files of another size neither.
        if (rows[i].size > counted) counter.add(rows[i].size - counted);
        if (!differs) return {};
        std::lock_guard lock(mutex);
        const bool unknown = differs->kind == FileDifference::Kind::unreadable;
        (unknown ? check.unreadable : check.differences).push_back(*std::move(differs));
        return {};
    }));
    std::ranges::sort(check.differences, {}, &FileDifference::path);
    std::ranges::sort(check.unreadable, {}, &FileDifference::path);
    return check;
}

} // namespace tinderbox::install
