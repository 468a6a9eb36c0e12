// --integrity: the files of an installed tree against PREFIX/.tinderbox/installed.
#pragma once

#include "runtime/install/installed_list.hpp"

#include <functional>
#include <optional>

namespace tinderbox::install {

struct FileDifference {
    enum class Kind {
        missing,
        changed,    // other bytes, another target of a link, another kind of entry
        mode,       // the permissions alone
        unreadable, // this user may not read it, or the disk does not give it: nobody knows whether it differs
    };
    std::string path; // below the root
    std::string what; // "missing", "is 12 bytes, was 10", "content differs", "mode is 644, was 755", "links to …"
    Kind kind = Kind::changed;
};
struct FileCheck {
    std::uint64_t files = 0, bytes = 0;
    std::vector<FileDifference> differences; // sorted by path
    std::vector<FileDifference> unreadable;  // sorted by path; not among the differences
};

// Compares every entry of the list; reads only. `jobs` threads, 0 = available_cpus(); `progress` is called from them,
// one at a time. Kind storage: there is no list, or it cannot be read.
Result<FileCheck> verify_files(const Directory& root, unsigned jobs = 0,
                               const std::function<void(std::uint64_t files_done)>& progress = {});

// Of one list; reads only.
Result<FileCheck> compare_rows(const Directory& root, const std::vector<InstalledRow>& rows, unsigned jobs = 0,
                               const std::function<void(std::uint64_t files_done)>& progress = {});

// One entry; nullopt when it is as it was installed. What lies behind a link is not the installed file.
std::optional<FileDifference> difference(const Directory& root, const InstalledRow& row);

} // namespace tinderbox::install
