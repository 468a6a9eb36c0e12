// --integrity: the files of an installed tree against PREFIX/.tinderbox/installed.
#pragma once

#include "runtime/install/installed_list.hpp"
#include "runtime/install/progress.hpp"

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

// Compares every entry of the list; reads only. Kinds: storage (there is no list, or it cannot be read), interrupted.
Result<FileCheck> verify_files(const Directory& root, const TreeWork& work = {});

// Of one list; reads only. Kind interrupted.
Result<FileCheck> compare_rows(const Directory& root, const std::vector<InstalledRow>& rows, const TreeWork& work = {});

// One entry; nullopt when it is as it was installed. What lies behind a link is not the installed file. `read` gets the
// number of bytes read since its last call.
std::optional<FileDifference> difference(const Directory& root, const InstalledRow& row,
                                         const std::function<void(std::uint64_t)>& read = {});

} // namespace tinderbox::install
