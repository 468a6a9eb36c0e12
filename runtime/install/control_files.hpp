// The files in .tinderbox that come from the .run.
#pragma once

#include "common/format/run_file.hpp"
#include "runtime/install/installed_list.hpp"

namespace tinderbox::install {

// manifest.json, table, installed, stub and probes. Not durable: the caller syncs. Kinds: storage, damaged (a section
// with an unsafe name).
Status write_control_files(const fs::path& control, const format::RunFile& run, const std::vector<InstalledRow>& rows);

} // namespace tinderbox::install
