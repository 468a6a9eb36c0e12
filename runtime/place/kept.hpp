// What an installed environment keeps of its NAME.run in the control directory, so that it can be checked, repaired and
// removed without that file: who writes it and who asks for its room have it from here.
#pragma once

#include "common/format/manifest.hpp"
#include "common/format/run_file.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace tinderbox::place {

struct KeptSection {
    const format::Section* section = nullptr; // of the RunFile, which outlives this
    std::string name;                         // in the control directory
    mode_t mode = 0644;
};
std::vector<KeptSection> kept_sections(const format::RunFile& run);

// The most that the control directory takes, in bytes on the disk and inodes, of an environment of `files` files.
format::InstallInfo control_needs(const format::RunFile& run, std::uint64_t files);

} // namespace tinderbox::place
