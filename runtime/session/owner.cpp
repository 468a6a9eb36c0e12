#include "runtime/session/owner.hpp"

#include "common/base/file.hpp"
#include "common/base/users.hpp"

#include <grp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

namespace tinderbox::session {
namespace {

void set_or_unset(const char* name, const std::string& value) {
    if (value.empty()) ::unsetenv(name);
    else ::setenv(name, value.c_str(), 1);
}

} // namespace

Status become_user(uid_t uid) {
    const auto user = find_user(uid);
    // The user database may lie elsewhere (LDAP); a group of the same number is then the best guess.
    const gid_t gid = user ? user->gid : static_cast<gid_t>(uid);
    if (::setgroups(0, nullptr) != 0 || ::setresgid(gid, gid, gid) != 0 || ::setresuid(uid, uid, uid) != 0)
        return errno_error(fmt::format("cannot become {}", describe_user(uid)), errno);
    // Otherwise /proc/self would still belong to root.
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    set_or_unset("HOME", user ? user->home : "");
    set_or_unset("USER", user ? user->name : "");
    set_or_unset("LOGNAME", user ? user->name : "");
    for (const char* name : {"XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"})
        ::unsetenv(name);
    return {};
}

} // namespace tinderbox::session
