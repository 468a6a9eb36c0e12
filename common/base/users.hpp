// Users of this machine, from /etc/passwd alone: a static program must not load the C library's modules for other
// databases. Thread-safe.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace tinderbox {

struct User {
    std::string name, home;
    uid_t uid = 0;
    gid_t gid = 0; // primary group
};

// nullopt: not in the file, which is no proof that there is no such user (LDAP, SSSD).
std::optional<User> find_user(uid_t uid, const std::string& passwd = "/etc/passwd");

// "alice (user 1000)", or "user 1000" where the name is unknown.
std::string describe_user(uid_t uid);

} // namespace tinderbox
