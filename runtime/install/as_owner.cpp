#include "runtime/install/as_owner.hpp"

#include "runtime/place/trust.hpp"

#include <grp.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <utility>

namespace tinderbox::install {
namespace {

struct Owner {
    uid_t user;
    gid_t group;
};

// The names are looked at as they are written, links unfollowed: whoever owns a link on the way decides, too.
std::optional<Owner> owner_on_the_way(const std::filesystem::path& path) {
    const place::Trust trust = place::Trust::now();
    std::filesystem::path at;
    for (const auto& part : path) {
        at /= part;
        struct stat st;
        if (::lstat(at.c_str(), &st) != 0) return std::nullopt;
        if (trust.is_root(st.st_uid)) continue;
        // Root's group gives rights that the user may not have.
        constexpr gid_t no_group = 65534;
        return Owner{st.st_uid, st.st_gid == 0 ? no_group : st.st_gid};
    }
    return std::nullopt;
}

// The calling thread's alone: glibc's setgroups() changes all threads.
bool set_thread_groups(const std::vector<gid_t>& groups) {
    return ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0;
}

constexpr uid_t ask = static_cast<uid_t>(-1); // these calls have no errors: asking changes nothing

} // namespace

Result<AsOwner> AsOwner::of(const std::filesystem::path& path) {
    AsOwner out;
    if (::geteuid() != 0) return out;
    const std::optional<Owner> owner = owner_on_the_way(path);
    if (!owner) return out;
    const int count = ::getgroups(0, nullptr);
    out.groups_.resize(static_cast<std::size_t>(std::max(count, 0)));
    if (count < 0 || ::getgroups(count, out.groups_.data()) < 0 || !set_thread_groups({owner->group}))
        return errno_error(
            fmt::format("'{}' is user {}'s, and root cannot act for that user here", path.string(), owner->user),
            errno);
    out.active_ = true;
    out.group_ = static_cast<gid_t>(::setfsgid(owner->group));
    ::setfsuid(owner->user);
    if (static_cast<gid_t>(::setfsgid(ask)) != owner->group || static_cast<uid_t>(::setfsuid(ask)) != owner->user)
        return errno_error(
            fmt::format("'{}' is user {}'s, and root cannot act for that user here", path.string(), owner->user),
            EPERM);
    return out;
}

AsOwner::AsOwner(AsOwner&& other) noexcept
    : active_(std::exchange(other.active_, false)), group_(other.group_), groups_(std::move(other.groups_)) {}

AsOwner::~AsOwner() {
    if (!active_) return;
    ::setfsuid(::geteuid());
    ::setfsgid(group_);
    if (!set_thread_groups(groups_)) std::abort(); // root must not go on with another's rights
}

} // namespace tinderbox::install
