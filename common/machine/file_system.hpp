// The file system below a directory: what it can hold, and the room that is left. Preflight judges the prefix by it,
// and a build the described place of another machine. Thread-safe.
#pragma once

#include "common/base/file.hpp"
#include "common/format/manifest.hpp"
#include "common/machine/finding.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tinderbox::machine {

struct FileSystemFacts {
    std::string file_system; // "ext4", "exfat", "nfs", …; "" = not in our table of names
    bool read_only = false, noexec = false;
    bool folds_case = false;  // names that differ only in case are one name
    bool no_symlinks = false; // vfat, exfat
    std::uint64_t free_bytes = 0;
    std::optional<std::uint64_t> free_inodes; // nullopt = unknown (btrfs, some network file systems)
    // Left by the user's quota; nullopt = no quota, or unknown.
    std::optional<std::uint64_t> quota_bytes, quota_inodes;
};

// Never fails: a fact that cannot be read keeps its default.
FileSystemFacts read_file_system(const fs::path& directory);

// The nearest directory that exists: `path` itself or one above it.
fs::path nearest_directory(const fs::path& path);

// Whether names of the environment differ only in case. Called only when the file system folds case; empty = they do
// not.
using NamesCollide = std::function<bool()>;

// Kind storage. `where` names the place in a sentence ("'/opt'"); `needs`: bytes and inodes. Pure but for
// names_collide.
std::vector<Finding> judge_file_system(const FileSystemFacts& facts, const std::string& where,
                                       const format::InstallInfo& needs, const NamesCollide& names_collide = {});

} // namespace tinderbox::machine
