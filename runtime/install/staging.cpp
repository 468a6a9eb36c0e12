#include "runtime/install/staging.hpp"

#include "runtime/install/lock.hpp"
#include "runtime/place/control_files.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace tinderbox::install {
namespace {

Error not_ours(const fs::path& path) {
    return make_error(
        ErrorKind::storage,
        "'{}' is in the way: it is not a directory that only you can enter; remove it, or choose another prefix",
        path.string());
}

// Nobody else can have prepared the directory: it is made now, or it exists, belongs to this user, and is no link.
// `made`: now.
Result<Fd> private_directory(const fs::path& path, mode_t mode, bool& made) {
    made = ::mkdir(path.c_str(), mode) == 0;
    if (!made && errno != EEXIST)
        return errno_error(fmt::format("cannot create the directory '{}'", path.string()), errno);
    Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!fd && errno != ELOOP && errno != ENOTDIR && errno != EACCES) {
        const int error = errno;
        if (std::exchange(made, false)) ::rmdir(path.c_str());
        return errno_error(fmt::format("cannot open the directory '{}'", path.string()), error);
    }
    struct stat st;
    if (!fd || ::fstat(fd.get(), &st) != 0 || st.st_uid != ::geteuid()) return not_ours(path);
    if (mode == 0700 && (st.st_mode & 0777) != 0700) return not_ours(path);
    return fd;
}

Status clear(const fs::path& directory) {
    std::error_code ec;
    std::vector<fs::path> entries;
    for (fs::directory_iterator it(directory, ec), end; !ec && it != end; it.increment(ec))
        if (it->path().filename() != place::control_directory) entries.push_back(it->path());
    if (ec) return errno_error(fmt::format("cannot read '{}'", directory.string()), ec.value());
    for (const fs::path& entry : entries) TRY(remove_tree(entry));
    return {};
}

Error appeared(const fs::path& path) {
    return make_error(ErrorKind::storage, "'{}' appeared while installing; move it away and run again", path.string());
}

Status rename_new(const fs::path& from, const fs::path& to, io::Faults* faults) {
    int error = io::fault(faults, io::Faults::Call::rename, to.native());
    if (error == 0 && ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0) error = errno;
    // Some file systems (NFS, old FUSE) do not know the flag; a plain rename would replace a file.
    if ((error == EINVAL || error == ENOSYS) && !lexists(to))
        error = ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
    if (error == EEXIST || error == ENOTEMPTY) return appeared(to);
    if (error != 0) return errno_error(fmt::format("cannot rename to '{}'", to.string()), error);
    return {};
}

Status merge(const fs::path& from, const fs::path& to, io::Faults* faults) {
    std::error_code ec;
    std::vector<fs::path> names;
    for (fs::directory_iterator it(from, ec), end; !ec && it != end; it.increment(ec))
        names.push_back(it->path().filename());
    if (ec) return errno_error(fmt::format("cannot read '{}'", from.string()), ec.value());
    std::ranges::sort(names);
    for (const fs::path& name : names) {
        auto source = fs::symlink_status(from / name, ec), target = fs::symlink_status(to / name, ec);
        if (source.type() == fs::file_type::directory && target.type() == fs::file_type::directory)
            TRY(merge(from / name, to / name, faults));
        else TRY(rename_new(from / name, to / name, faults));
    }
    return {};
}

} // namespace

Result<Staging> Staging::open(const place::Decision& decision, const place::JournalHeader& header) {
    Staging staging;
    staging.prefix_ = decision.layout.root;
    staging.inside_ = decision.staging == place::StagingKind::inside;
    staging.tree_ = decision.stage;
    staging.control_ = (staging.inside_ ? staging.prefix_ : staging.tree_) / place::control_directory;
    staging.header_ = header;
    // The rename at the end refuses it as well, but only after everything was written.
    if (decision.staging == place::StagingKind::beside && lexists(staging.prefix_)) return appeared(staging.prefix_);
    auto opened = staging.inside_ ? staging.open_inside() : staging.open_beside();
    if (opened.ok()) opened = staging.open_journal();
    if (!opened.ok()) {
        if (staging.lock_ || (staging.new_tree_ && !staging.busy_)) staging.discard();
        else
            for (auto& made : staging.made_) ::rmdir(made.c_str());
        return std::move(opened).error();
    }
    return staging;
}

Status Staging::open_beside() {
    const fs::path parent = prefix_.parent_path();
    for (fs::path missing = parent; !missing.empty() && !lexists(missing); missing = missing.parent_path())
        made_.push_back(missing); // deepest first
    TRY(make_directories(parent));
    bool new_control = false;
    TRY_ASSIGN(tree_fd_, private_directory(tree_, 0700, new_tree_));
    TRY_ASSIGN(Fd control, private_directory(control_, 0755, new_control));
    return {};
}

Status Staging::open_inside() {
    bool new_stage = false;
    TRY_ASSIGN(Fd control, private_directory(control_, 0755, new_tree_));
    TRY_ASSIGN(tree_fd_, private_directory(tree_, 0700, new_stage));
    return {};
}

Status Staging::open_journal() {
    TRY_ASSIGN(lock_, lock_control(control_, prefix_, &busy_));
    // The lock may be of a directory that its installer has just renamed into place.
    struct stat held, now;
    if (::fstat(tree_fd_.get(), &held) != 0 || ::lstat(tree_.c_str(), &now) != 0 || held.st_ino != now.st_ino)
        return make_error(ErrorKind::storage, "another installer has just finished '{}'", prefix_.string());
    found_ = place::Journal::read(control_ / place::control::journal);
    if (found_ && found_->header.manifest_sha256 == header_.manifest_sha256 &&
        found_->header.prefix == header_.prefix && found_->header.private_modes == header_.private_modes &&
        found_->header.parts == header_.parts && (found_->tasks > 0 || found_->committing)) {
        TRY_ASSIGN(journal_, place::Journal::append_to(control_ / place::control::journal));
        recorded_ = true;
        merging_ = found_->committing;
        return {};
    }
    return start_over();
}

Status Staging::start_over() {
    found_.reset();
    recorded_ = false;
    TRY(clear(tree_));
    TRY_ASSIGN(journal_, place::Journal::create(control_ / place::control::journal, header_));
    return {};
}

Status Staging::sync(io::Faults* faults) const {
    int error = io::fault(faults, io::Faults::Call::sync, tree_.native());
    if (error == 0 && ::syncfs(tree_fd_.get()) != 0) error = errno;
    if (error != 0) return errno_error(fmt::format("cannot write '{}' to disk", tree_.string()), error);
    return {};
}

Status Staging::record_tasks(std::uint64_t tasks, io::Faults* faults) {
    TRY(sync(faults));
    TRY(journal_->record_tasks(tasks));
    recorded_ = true;
    (void)io::fault(faults, io::Faults::Call::record, control_.native());
    return {};
}

Status Staging::commit(bool durable, io::Faults* faults, const Replacement* replacing) {
    bool renaming = found_ && found_->committing;
    if (durable && !renaming) TRY(sync(faults));
    if (inside_) {
        if (!renaming) TRY(journal_->record_commit());
        merging_ = true;
        TRY(merge(tree_, prefix_, faults));
        if (durable) TRY(sync(faults));
        return {};
    }
    TRY(replacing ? replacing->exchange(faults) : rename_new(tree_, prefix_, faults));
    tree_ = prefix_;
    control_ = prefix_ / place::control_directory;
    if (durable) TRY(fsync_directory(prefix_.parent_path()));
    return {};
}

void Staging::discard() {
    if (merging_) return;
    // To remove a tree takes descriptors: where there are no more, these make room.
    tree_fd_.reset();
    journal_.reset();
    (void)remove_tree(tree_);
    if (inside_) (void)remove_tree(control_);
    for (const fs::path& made : made_) ::rmdir(made.c_str());
}

std::string first_conflict(const fs::path& prefix, const std::vector<std::string>& files,
                           const std::vector<std::string>& directories) {
    struct stat st;
    for (const std::string& path : files)
        if (::lstat((prefix / path).c_str(), &st) == 0) return path;
    for (const std::string& path : directories)
        if (::lstat((prefix / path).c_str(), &st) == 0 && !S_ISDIR(st.st_mode)) return path;
    return "";
}

} // namespace tinderbox::install
