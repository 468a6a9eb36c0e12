// --as-owner: root gives up its rights for those of the user that a prefix belongs to.
#pragma once

#include "common/base/result.hpp"

#include <sys/types.h>

namespace tinderbox::session {

// This process becomes that user for good: IDs, groups (the primary one alone), HOME, USER and LOGNAME; XDG_* are
// unset. HOME is unset for a user that is not in /etc/passwd. Kind storage: the kernel refuses. Changes the
// environment, so no other thread may run.
Status become_user(uid_t uid);

} // namespace tinderbox::session
