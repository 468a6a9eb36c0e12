// Where the environment is to go: the prefix and the file system below it.
#pragma once

#include "common/format/manifest.hpp"
#include "common/machine/finding.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace tinderbox {

// The prefix as a person writes it → absolute, normal, without a trailing slash. `~` and `~/x` are $HOME; a
// relative one counts from `cwd`. Errors (usage): empty, "~user", control characters, "/" itself.
Result<std::string> resolve_prefix(std::string_view text, std::string_view home, std::string_view cwd);

struct TargetFacts {
    std::string prefix;   // absolute
    std::string existing; // the nearest directory that exists: the prefix itself or one above it
    enum class Kind { absent, file, empty_directory, directory, conda, ours, unreadable } kind = Kind::absent;
    std::string not_a_directory; // a component above the prefix that is a file, "" = none
    bool writable = true;        // `existing` may be written to by this user
    int write_errno = 0;
    // Of the file system below `existing`.
    bool read_only = false, noexec = false;
    bool folds_case = false;  // names that differ only in case are one name
    bool no_symlinks = false; // vfat, exfat
    std::string file_system;  // "exfat", "nfs", …; "" = nothing special
    std::uint64_t free_bytes = 0;
    std::optional<std::uint64_t> free_inodes; // nullopt = unknown (btrfs, some network file systems)
    std::optional<std::uint64_t> quota_bytes,
        quota_inodes; // what the user's quota leaves; nullopt = none or unknown
    // What an interrupted run of this user has staged already: it needs no room a second time.
    std::uint64_t staged_bytes = 0, staged_inodes = 0;
};

TargetFacts read_target_facts(const std::string& prefix);

struct TargetNeeds {
    InstallInfo install;
    // A prefix that files are relocated for, beside or in place of the one that is looked at: the environment below a
    // base, say.
    struct Limit {
        std::string prefix;
        std::uint32_t longest = 0; // bytes; 0 = none
        std::string because;
    };
    std::vector<Limit> limits;           // empty: the prefix itself, with the limit in `install`
    std::string conda;                   // the conda whose envs/ gets the environment, "" = none
    bool replace = false;                // --replace
    bool allow_existing = false;         // -f or -u
    bool resumes = false;                // this very environment is there, whole or begun: the prefix may exist
    std::function<bool()> names_collide; // asked only when the file system folds case; empty = no
};

// Pure but for names_collide.
std::vector<Finding> judge_target(const TargetFacts& facts, const TargetNeeds& needs);

nlohmann::json to_json(const TargetFacts& facts);

} // namespace tinderbox
