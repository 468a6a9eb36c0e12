#include "runtime/install/replace.hpp"

#include "runtime/install/generations.hpp"
#include "runtime/place/control_files.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace tinderbox::install {
namespace {

Status move(const Directory& parent, const std::string& from, const std::string& to) {
    if (::renameat(parent.fd(), from.c_str(), parent.fd(), to.c_str()) == 0) return {};
    return errno_error(fmt::format("cannot rename '{}' to '{}'", parent.shown(from), parent.shown(to)), errno);
}

// 0, or the errno.
int exchange_names(const Directory& parent, const std::string& one, const std::string& other) {
    return ::renameat2(parent.fd(), one.c_str(), parent.fd(), other.c_str(), RENAME_EXCHANGE) == 0 ? 0 : errno;
}

} // namespace

Replacement::Replacement(const place::Decision& decision)
    : prefix_(decision.layout.root), name_(prefix_.filename().string()),
      stage_(place::stage_beside(prefix_, decision.manifest_sha256).filename().string()),
      aside_(place::aside_of(prefix_).filename().string()), trust_(decision.trust),
      untrusted_(decision.found == place::Found::untrusted), new_is_there_(decision.reached.has_value()) {}

Result<Directory> Replacement::parent() const { return place::open_on_trusted_way(prefix_.parent_path(), trust_); }

bool Replacement::pending() const {
    auto directory = parent();
    return directory.ok() && directory->exists(aside_);
}

Status Replacement::recover() const {
    auto directory = parent();
    if (untrusted_ || !directory.ok()) return {};
    if (new_is_there_ && directory->exists(stage_) && !directory->exists(aside_)) TRY(move(*directory, stage_, aside_));
    return bring_back(*directory, name_, aside_);
}

Status Replacement::exchange(io::Faults* faults) const {
    TRY_ASSIGN(Directory directory, parent());
    return exchange_trees(directory, stage_, name_, aside_, faults);
}

Status exchange_trees(const Directory& parent, const std::string& stage, const std::string& name,
                      const std::string& aside, io::Faults* faults) {
    if (parent.exists(aside))
        return make_error(ErrorKind::storage, "'{}' is left of an earlier replacement; move it away and run again",
                          parent.shown(aside));
    int error = io::fault(faults, io::Faults::Call::rename, parent.shown(name));
    if (error == 0) error = exchange_names(parent, stage, name);
    if (error == 0) {
        TRY(move(parent, stage, aside));
    } else if (error == EINVAL || error == ENOSYS) {
        TRY(move(parent, name, aside));
        if (Status moved = move(parent, stage, name); !moved.ok()) {
            (void)move(parent, aside, name);
            return moved;
        }
    } else {
        return errno_error(fmt::format("cannot replace '{}'", parent.shown(name)), error);
    }
    return parent.sync();
}

Status bring_back(const Directory& parent, const std::string& name, const std::string& aside) {
    if (parent.exists(name) || !parent.exists(aside)) return {};
    TRY(move(parent, aside, name));
    return parent.sync();
}

Status Replacement::undo(const TreeWork& work) const {
    TRY_ASSIGN(Directory directory, parent());
    if (!directory.exists(aside_)) return {};
    if (exchange_names(directory, aside_, name_) == 0) {
        TRY(directory.sync());
        return remove_whole(directory, aside_, work);
    }
    TRY(move(directory, name_, stage_));
    TRY(move(directory, aside_, name_));
    TRY(directory.sync());
    return remove_whole(directory, stage_, work);
}

Result<Replacement::Finished> Replacement::finish(const Directory& prefix, bool purge, unsigned keep,
                                                  const TreeWork& work, io::Faults* faults) const {
    TRY_ASSIGN(Directory directory, parent());
    Finished out;
    const std::string shown = directory.shown(aside_);
    TRY_ASSIGN(Directory aside, directory.directory(aside_));
    if (!purge) {
        auto moved = carry_over(aside, prefix, trust_, keep > 0 ? OldTree::keep : OldTree::remove, work, faults);
        if (!moved.ok())
            return std::move(moved).error().in(
                fmt::format("the new environment is complete; not all that you added to the old one, in '{}', could be "
                            "carried over",
                            shown));
        out.carried_over = *std::move(moved);
    }
    if (keep > 0) {
        TRY_ASSIGN(out.generation, keep_as_generation(prefix_, aside_, keep, trust_, work));
        return out;
    }
    if (purge) {
        TRY(remove_whole(directory, aside_, work));
        return out;
    }
    if (const int error = directory.remove_directory(aside_); error != 0)
        return errno_error(fmt::format("the new environment is complete; move what is left of the old one away: "
                                       "cannot remove '{}'",
                                       shown),
                           error);
    return out;
}

} // namespace tinderbox::install
