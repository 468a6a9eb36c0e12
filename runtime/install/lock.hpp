// Who may write into an installed tree or a staging tree.
#pragma once

#include "common/base/directory.hpp"

namespace tinderbox::install {

// CONTROL/lock, held until the object dies. nullopt: another installer holds it. Kind storage: the file system cannot
// lock, or the file cannot be made.
Result<std::optional<FileLock>> try_lock(const Directory& control);
Error locked_by_another(const fs::path& place);
// The same with that error. `shown`: the place that is worked on.
Result<FileLock> lock_control(const Directory& control, const fs::path& shown);

// Kind storage: this user may not write into this directory.
Status check_writable(const Directory& directory);

} // namespace tinderbox::install
