#include "runtime/io/directories.hpp"

#include "common/base/last_component.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace tinderbox::io {
namespace {

constexpr std::uint64_t descriptors_for_others = 256; // files being written, the .run, rings, logs
constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

std::uint64_t descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
    rlimit raised{limit.rlim_max, limit.rlim_max};
    if (limit.rlim_cur < limit.rlim_max && ::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
    return limit.rlim_cur;
}

const char* last_name(const std::string& path) { return last_component(path).data(); }

} // namespace

Result<Directories> Directories::make(Fd root, std::string shown_root, const std::vector<PlannedDirectory>& directories,
                                      bool existing_ok, Faults* faults) {
    Directories out;
    out.shown_root_ = std::move(shown_root);
    out.planned_ = &directories;
    std::uint64_t limit = descriptor_limit();
    std::uint64_t room = limit > 2 * descriptors_for_others ? limit - descriptors_for_others : limit / 2;
    out.kept_.reserve(directories.size());
    out.kept_.push_back(std::move(root));
    for (std::uint32_t i = 1; i < directories.size(); ++i) {
        out.kept_.emplace_back();
        TRY_ASSIGN(Handle parent, out.open(directories[i].parent));
        const char* name = last_name(directories[i].path);
        int error = fault(faults, Faults::Call::make_directory, directories[i].path);
        if (error == 0 && ::mkdirat(parent.fd, name, 0700) != 0) error = errno;
        if (error == EEXIST && existing_ok) error = 0;
        if (error != 0) return errno_error(fmt::format("cannot create the directory '{}'", out.path(i)), error);
        if (i >= room) continue;
        Fd fd(::openat(parent.fd, name, directory_flags));
        if (!fd) return errno_error(fmt::format("cannot open the directory '{}'", out.path(i)), errno);
        out.kept_[i] = std::move(fd);
    }
    return out;
}

Result<Directories::Handle> Directories::open(std::uint32_t index) const {
    if (kept_[index]) return Handle{kept_[index].get(), {}};
    const PlannedDirectory& directory = (*planned_)[index];
    TRY_ASSIGN(Handle parent, open(directory.parent));
    Fd fd(::openat(parent.fd, last_name(directory.path), directory_flags));
    if (!fd) return errno_error(fmt::format("cannot open the directory '{}'", path(index)), errno);
    int number = fd.get();
    return Handle{number, std::move(fd)};
}

std::string Directories::path(std::uint32_t index) const {
    const std::string& below = (*planned_)[index].path;
    return below.empty() ? shown_root_ : shown_root_ + "/" + below;
}

Status Directories::finish(const format::Table& table, std::uint16_t mode_mask) const {
    for (auto i = static_cast<std::uint32_t>(planned_->size()); i-- > 1;) {
        std::uint32_t destination = (*planned_)[i].destination;
        TRY_ASSIGN(Handle handle, open(i));
        mode_t mode = (destination == none ? 0755 : table.destinations[destination].mode) & mode_mask;
        if (::fchmod(handle.fd, mode) != 0)
            return errno_error(fmt::format("cannot set the mode of '{}'", path(i)), errno);
        if (destination == none) continue;
        timespec time{static_cast<time_t>(table.destinations[destination].mtime), 0};
        timespec times[2] = {time, time};
        if (::futimens(handle.fd, times) != 0)
            return errno_error(fmt::format("cannot set the time of '{}'", path(i)), errno);
    }
    return {};
}

} // namespace tinderbox::io
