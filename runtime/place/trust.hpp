// Whose directories lead to a prefix, and whose tree is there. A program that root starts must neither run nor remove
// files that another user put in the place of the right ones.
//
// The rule (docs/inside/trust.md): each directory on the way belongs to root or to the effective user, and nobody else
// may write to it, unless it is sticky. A link on the way belongs to one of the two as well. The tree at the end
// belongs to the effective user; who only reads and runs it may also use root's. Behind such a way no other user can
// rename anything, so paths that were walked once stay what they are.
//
// Nothing here writes, but for make_parents(). Every function may be called from any thread.
#pragma once

#include "common/base/directory.hpp"
#include "runtime/place/refusal.hpp"

#include <sys/types.h>

#include <optional>

namespace tinderbox::place {

struct Trust {
    uid_t user = 0;
    gid_t group = 0;
    // Who owns "/": root; in a user namespace without root, the ID that stands for all unknown users.
    uid_t root = 0;
    // --allow-shared: a way that others could change is accepted, a foreign tree is not.
    bool allow_shared = false;

    // Of this process.
    static Trust now(bool allow_shared = false);
    // Whether only the machine's root acts as this owner.
    bool is_root(uid_t owner) const { return owner == 0 || owner == root; }
};

enum class Access {
    read,  // compare and run
    write, // install, repair, remove
};

// nullopt: nobody but root and the user can change what lies below. `st` as lstat(2) gives it: a directory or a link.
std::optional<Refusal> refuse_way(const Trust& trust, const fs::path& shown, const struct stat& st);
// The same of the tree's root, of its .tinderbox, of a staging tree or of one that was put aside.
std::optional<Refusal> refuse_tree(const Trust& trust, const fs::path& shown, const struct stat& st, Access access);

// What lies on the way to a path and at its end. Links are followed when the rule accepts their owner.
struct Approach {
    Directory tree;                   // at the path; empty: it is not there, cannot be read, or is no directory
    Directory nearest;                // the deepest directory on the way that exists, opened as O_PATH
    bool arrived = false;             // `nearest` is the directory at the path
    std::vector<std::string> missing; // names below `nearest` that do not exist, outermost first
    fs::path not_directory;           // something that is no directory, or a link that leads nowhere,
    bool at_path = false;             // and lies at the path, not on the way
    int error = 0;                    // errno: nobody can look any further
    std::optional<Refusal> refusal;   // of the way; nothing behind the refused directory was looked at
};
// `path`: absolute, normal.
Approach approach(const fs::path& path, const Trust& trust);

// Of the way and of the tree at its end, which is named `shown`.
std::optional<Refusal> refusal_of(const Approach& there, const fs::path& shown, const Trust& trust, Access access);

// The directory at `path`; missing ones are made with this mode. `made`: the paths of these, outermost first, also
// after an error. Kind storage: the way's refusal, or the system's error.
Result<Directory> make_parents(const fs::path& path, const Trust& trust, mode_t mode, std::vector<fs::path>& made);

// The directory at `path`. Kind storage: the way's refusal, or it is not there.
Result<Directory> open_on_trusted_way(const fs::path& path, const Trust& trust);
// Also kind storage: it is not this user's.
Result<Directory> open_root(const fs::path& root, const Trust& trust, Access access);

// An installed tree: the way, the tree and its .tinderbox are asked for their owners.
struct OpenTree {
    Directory root, control;
};
// Kind storage: a refusal, or something is not there.
Result<OpenTree> open_tree(const fs::path& root, const Trust& trust, Access access);

// ROOT/.tinderbox. nullopt: there is none. Kind storage: it is no directory, or another user's.
Result<std::optional<Directory>> open_control(const Directory& root, const Trust& trust, Access access);
Result<std::optional<Directory>> open_control(const fs::path& root, Access access = Access::read);

} // namespace tinderbox::place
