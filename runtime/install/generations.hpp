// Generations: environments that were at a prefix before, whole, beside it. --replace and updates leave them with
// --keep; --rollback brings one back. Files that an update did not change are one inode in both.
//
// Names alone tell what a killed run left: with an environment set aside (replace.hpp), the next --rollback makes a
// generation of it. Functions are called by one thread; the lock in .tinderbox keeps other processes away.
#pragma once

#include "runtime/install/progress.hpp"
#include "runtime/place/state.hpp"
#include "runtime/place/trust.hpp"

namespace tinderbox::install {

struct Generation {
    unsigned number = 0; // the highest is the newest
    fs::path path;
    place::InstalledEnvironment installed;
    std::int64_t since = 0; // when it was installed: seconds since 1970
};
// Sorted by number. What is another user's, or no whole environment of this prefix, is left out. Kind storage.
Result<std::vector<Generation>> generations_of(const fs::path& root, const place::Trust& trust);

// Bytes on the disk: of files with one name, and of those that another tree shares.
struct DiskUse {
    std::uint64_t own = 0, shared = 0;
};
Result<DiskUse> disk_use(const fs::path& tree, const place::Trust& trust, const TreeWork& work = {});

// The tree `name` in the parent of `root` becomes the newest generation; of those before, the newest `keep` - 1 stay.
// Returns its number. Kinds: storage, interrupted.
Result<unsigned> keep_as_generation(const fs::path& root, const std::string& name, unsigned keep,
                                    const place::Trust& trust, const TreeWork& work = {});

struct RollbackOptions {
    unsigned number = 0; // 0: the newest generation
    bool purge = false;  // what the user added stays in the tree that it was added to
    bool force = false;  // also a generation whose files were changed
    place::Trust trust = place::Trust::now();
    TreeWork work = {};
};
struct Rollback {
    Generation back;  // what is at the prefix now
    unsigned put = 0; // the generation that the environment before became
    std::vector<std::string> carried_over;
};
// Both environments change places in one step; then what the user added goes over, as with --replace. Kinds: storage
// (no such generation, one that was changed, entries of the user's in the way, a replacement that is not finished),
// interrupted (the same call goes on).
Result<Rollback> roll_back(const fs::path& root, const RollbackOptions& options);

// Removes all of them. Kinds: storage, interrupted.
Status remove_generations(const fs::path& root, const place::Trust& trust, const TreeWork& work = {});

} // namespace tinderbox::install
