#include "runtime/install/replace.hpp"

#include "runtime/place/control_files.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace tinderbox::install {
namespace {

Status move(const fs::path& from, const fs::path& to) {
    if (::rename(from.c_str(), to.c_str()) == 0) return {};
    return errno_error(fmt::format("cannot rename '{}' to '{}'", from.string(), to.string()), errno);
}

} // namespace

Replacement::Replacement(const place::Decision& decision)
    : prefix_(decision.layout.root), stage_(place::stage_beside(prefix_, decision.manifest_sha256)),
      aside_(place::aside_of(prefix_)), new_is_there_(decision.reached.has_value()) {}

bool Replacement::pending() const { return lexists(aside_); }

Status Replacement::recover() const {
    if (new_is_there_ && lexists(stage_) && !lexists(aside_)) TRY(move(stage_, aside_));
    if (!lexists(prefix_) && lexists(aside_)) {
        TRY(move(aside_, prefix_));
        TRY(fsync_directory(prefix_.parent_path()));
    }
    return {};
}

Status Replacement::exchange(io::Faults* faults) const {
    if (lexists(aside_))
        return make_error(ErrorKind::storage, "'{}' is left of an earlier replacement; move it away and run again",
                          aside_.string());
    int error = io::fault(faults, io::Faults::Call::rename, prefix_.native());
    if (error == 0 && ::renameat2(AT_FDCWD, stage_.c_str(), AT_FDCWD, prefix_.c_str(), RENAME_EXCHANGE) != 0)
        error = errno;
    if (error == 0) {
        TRY(move(stage_, aside_));
    } else if (error == EINVAL || error == ENOSYS) {
        TRY(move(prefix_, aside_));
        if (Status moved = move(stage_, prefix_); !moved.ok()) {
            (void)move(aside_, prefix_);
            return moved;
        }
    } else {
        return errno_error(fmt::format("cannot replace '{}'", prefix_.string()), error);
    }
    return fsync_directory(prefix_.parent_path());
}

Status Replacement::undo() const {
    if (!pending()) return {};
    if (::renameat2(AT_FDCWD, aside_.c_str(), AT_FDCWD, prefix_.c_str(), RENAME_EXCHANGE) == 0) {
        TRY(fsync_directory(prefix_.parent_path()));
        return remove_tree(aside_);
    }
    TRY(move(prefix_, stage_));
    TRY(move(aside_, prefix_));
    TRY(fsync_directory(prefix_.parent_path()));
    return remove_tree(stage_);
}

Status Replacement::finish() const { return pending() ? remove_tree(aside_) : Status(); }

} // namespace tinderbox::install
