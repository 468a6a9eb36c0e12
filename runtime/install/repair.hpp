// --repair: files of an installed prefix that are damaged or missing come back from the .run; what the user added
// stays.
#pragma once

#include "runtime/install/installer.hpp"

namespace tinderbox {

struct RepairSummary {
    std::uint64_t files = 0;           // compared
    std::vector<std::string> restored; // below the root, sorted; "DIR/" for a directory
    std::vector<FileDifference> left;  // something of the user's is in the way
};

// `root`: where .tinderbox is (installed_root()). Of `options` counts jobs, progress, interrupted and faults. Must:
// each file is the old one or the whole right one, whenever this is killed; running it again goes on. Kinds: damaged
// (the .run), storage (another installer's environment, not finished, locked, not writable), interrupted.
Result<RepairSummary> repair_files(const RunFile& run, const Manifest& manifest, const fs::path& root,
                                   InstallOptions options);

} // namespace tinderbox
