// --repair: files of an installed prefix that are damaged or missing come back from the .run; files that the user added
// stay. Nobody can tell an edited file from a damaged one, so that other bytes are kept beside (saved_name).
#pragma once

#include "runtime/install/install.hpp"
#include "runtime/install/integrity.hpp"

namespace tinderbox::install {

struct RepairSummary {
    std::uint64_t files = 0;            // compared
    std::vector<std::string> restored;  // below the root, sorted; "DIR/" for a directory
    std::vector<std::string> kept;      // below the root: what was in the place of a restored file, under a new name
    std::vector<FileDifference> left;   // something of the user's is in the way
    std::optional<fs::path> moved_from; // the tree was written for this place, and was rewritten for the one it is at
    std::vector<std::string> warnings;  // one sentence each
    StageTimes seconds;                 // compare, extract, restore, bytecode, record
};

// A tree that was moved or copied (place::moved_from) gets the files that name a place written again for the one where
// it is. `installed`: of this .run (place::find_installed with its manifest). Of `options` counts jobs, progress,
// interrupted, register_environment, private_modes (only when the list of installed files is damaged) and faults. Must:
// each file is the old one or the whole right one, whenever this is killed; running it again goes on. Kinds: damaged
// (the .run), usage (the tree was moved to a prefix that is too long), storage (not finished, locked, not writable),
// script (bytecode cannot be compiled), interrupted. No exception leaves it (install.hpp).
Result<RepairSummary> repair_files(const format::RunFile& run, const format::Manifest& manifest,
                                   const place::Installed& installed, const InstallOptions& options);

} // namespace tinderbox::install
