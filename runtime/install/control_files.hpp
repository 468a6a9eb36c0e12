// The files in .tinderbox that come from the .run, and the directory as a whole.
#pragma once

#include "common/base/directory.hpp"
#include "common/format/run_file.hpp"
#include "runtime/install/installed_list.hpp"

namespace tinderbox::install {

// manifest.json, table, installed, stub and probes. Not durable: the caller syncs. Files of these names are replaced.
// Kinds: storage, damaged (a section with an unsafe name).
Status write_control_files(const Directory& control, const format::RunFile& run, const std::vector<InstalledRow>& rows);

// Removes what installations put into ROOT/.tinderbox, and the directory when nothing else is in it.
Status remove_control(const Directory& root);

} // namespace tinderbox::install
