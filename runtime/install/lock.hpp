// Who may write into an installed tree or a staging tree.
#pragma once

#include "common/base/file.hpp"

namespace tinderbox::install {

// CONTROL/lock, held until the object dies. Kind storage: another installer holds it (then *busy is true), or the file
// system has no locks; `shown` is the place it works on.
Result<FileLock> lock_control(const fs::path& control, const fs::path& shown, bool* busy = nullptr);
Result<FileLock> lock_root(const fs::path& root); // ROOT/.tinderbox/lock

// Kind storage: this user may not write into the root or its .tinderbox.
Status check_writable(const fs::path& root);

} // namespace tinderbox::install
