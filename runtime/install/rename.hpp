// Renames that replace nothing, and names for what would be replaced.
#pragma once

#include "common/base/directory.hpp"
#include "runtime/io/faults.hpp"

namespace tinderbox::install {

// `name` in `from` becomes `new_name` in `to`; both are names, not paths. Kind storage: something has that name
// (RENAME_NOREPLACE, or a look before where the file system does not know it), or the system's error.
Status rename_new(const Directory& from, const std::string& name, const Directory& to, const std::string& new_name,
                  io::Faults* faults = nullptr);
inline constexpr std::string_view saved_suffix = ".tinderbox-old";
// "PATH.tinderbox-old", "PATH.tinderbox-old-2" and so on: what nothing below `root` is called, for bytes of the user's
// whose place an installed file takes.
std::string saved_name(const Directory& root, const std::string& path);
// The error when something of that name is there meanwhile.
Error appeared(const fs::path& path);

} // namespace tinderbox::install
