// --integrity: the files of an installed tree against PREFIX/.tinderbox/installed.
#pragma once

#include "runtime/install/installed_list.hpp"

#include <functional>

namespace tinderbox::install {

struct FileDifference {
    std::string path; // below the root
    std::string what; // "missing", "is 12 bytes, was 10", "content differs", "mode is 644, was 755", "links to …"
};
struct FileCheck {
    std::uint64_t files = 0, bytes = 0;
    std::vector<FileDifference> differences; // sorted by path
};

// Compares every entry of the list; reads only. `jobs` threads, 0 = available_cpus(); `progress` is called from them,
// one at a time. Kind storage: there is no list, or it cannot be read.
Result<FileCheck> verify_files(const Directory& root, unsigned jobs = 0,
                               const std::function<void(std::uint64_t files_done)>& progress = {});

// One entry; "" when it is as it was installed, `missing` when nothing is there. What lies behind a link is not the
// installed file.
inline constexpr std::string_view missing = "missing";
std::string difference(const Directory& root, const InstalledRow& row);

} // namespace tinderbox::install
