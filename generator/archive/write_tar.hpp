// Writes a source archive (.tar.gz, pax where ustar has no room) whose bytes depend on the files alone: their names,
// contents, links and execute bits. Owners are 0, the date is 1980-01-01.
#pragma once

#include "common/base/file.hpp"
#include "common/base/result.hpp"

#include <map>
#include <string>
#include <vector>

namespace tinderbox::archive {

// Packs `files` of `directory`, in their order, as STEM/FILE. Links stay links; what is neither a file nor a link is
// left out. `texts` (name → content) come behind them and in place of files of these names. Errors of kind storage name
// the file; `out` may then hold a part. Thread-safe.
Status write_tar_gz(const fs::path& out, const fs::path& directory, const std::vector<std::string>& files,
                    const std::string& stem, const std::map<std::string, std::string>& texts = {});

} // namespace tinderbox::archive
