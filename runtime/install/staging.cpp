#include "runtime/install/staging.hpp"

#include "runtime/install/control_files.hpp"
#include "runtime/install/lock.hpp"
#include "runtime/install/rename.hpp"
#include "runtime/place/control_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

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
// `exact`: with these permissions and no others. `made`: now.
Result<Directory> own_directory(const Directory& parent, const std::string& name, mode_t mode, bool exact, bool& made) {
    const fs::path shown = parent.path() / name;
    made = ::mkdirat(parent.fd(), name.c_str(), mode) == 0;
    if (!made && errno != EEXIST)
        return errno_error(fmt::format("cannot create the directory '{}'", shown.string()), errno);
    auto directory = parent.directory(name);
    if (!directory.ok() && std::exchange(made, false)) {
        (void)parent.remove_directory(name);
        return std::move(directory).error();
    }
    struct stat st;
    if (!directory.ok() || ::fstat(directory->fd(), &st) != 0 || st.st_uid != ::geteuid()) return not_ours(shown);
    if (exact ? (st.st_mode & 0777) != mode : (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) return not_ours(shown);
    return directory;
}

Status clear(const Directory& directory) {
    TRY_ASSIGN(auto entries, directory.entries());
    for (const Directory::Entry& entry : entries)
        if (entry.name != place::control_directory) TRY(directory.remove_tree(entry.name));
    return {};
}

// Directories that both sides have are entered, and only when nobody else could swap what is in them.
Status merge(const Directory& from, const Directory& to, const place::Trust& trust, io::Faults* faults) {
    TRY_ASSIGN(auto entries, from.entries());
    for (const Directory::Entry& entry : entries) {
        struct stat st;
        if (entry.is_directory && to.look(entry.name, st) == 0 && S_ISDIR(st.st_mode)) {
            if (auto refusal = refuse_tree(trust, to.path() / entry.name, st, place::Access::write))
                return refusal->error();
            TRY_ASSIGN(Directory source, from.directory(entry.name));
            TRY_ASSIGN(Directory target, to.directory(entry.name));
            TRY(merge(source, target, trust, faults));
        } else {
            TRY(rename_new(from, entry.name, to, entry.name, faults));
        }
    }
    return {};
}

} // namespace

Result<Staging> Staging::open(const place::Decision& decision, const place::JournalHeader& header) {
    Staging staging;
    staging.prefix_ = decision.layout.root;
    staging.inside_ = decision.staging == place::StagingKind::inside;
    staging.stage_ = decision.stage;
    staging.header_ = header;
    staging.trust_ = decision.trust;
    // The rename at the end refuses it as well, but only after everything was written.
    if (decision.staging == place::StagingKind::beside && lexists(staging.prefix_)) return appeared(staging.prefix_);
    auto opened = staging.inside_ ? staging.open_inside(decision) : staging.open_beside(decision);
    if (opened.ok()) opened = staging.open_journal();
    if (!opened.ok()) {
        if (staging.lock_ || (staging.new_tree_ && !staging.busy_)) staging.discard();
        else staging.remove_parents();
        return std::move(opened).error();
    }
    return staging;
}

Status Staging::open_beside(const place::Decision& decision) {
    const mode_t mode = header_.private_modes ? 0700 : 0755;
    bool new_control = false;
    TRY_ASSIGN(parent_, place::make_parents(prefix_.parent_path(), decision.trust, mode, made_));
    TRY_ASSIGN(tree_, own_directory(parent_, stage_name(), 0700, true, new_tree_));
    TRY_ASSIGN(control_, own_directory(tree_, std::string(place::control_directory), 0755, false, new_control));
    return {};
}

Status Staging::open_inside(const place::Decision& decision) {
    TRY_ASSIGN(root_, place::open_root(prefix_, decision.trust, place::Access::write));
    bool new_stage = false;
    TRY_ASSIGN(control_, own_directory(root_, std::string(place::control_directory), 0755, false, new_tree_));
    TRY_ASSIGN(tree_, own_directory(control_, stage_name(), 0700, true, new_stage));
    return {};
}

Status Staging::open_journal() {
    TRY_ASSIGN(lock_, try_lock(control_));
    busy_ = !lock_;
    if (busy_) return locked_by_another(prefix_);
    // The lock may be of a directory that its installer has just renamed into place.
    struct stat held, now;
    const Directory& above = inside_ ? control_ : parent_;
    if (::fstat(tree_.fd(), &held) != 0 || above.look(stage_name(), now) != 0 || !same_file(held, now))
        return make_error(ErrorKind::storage, "another installer has just finished '{}'", prefix_.string());
    found_ = place::Journal::read(control_);
    if (found_ && found_->header.manifest_sha256 == header_.manifest_sha256 &&
        found_->header.prefix == header_.prefix && found_->header.private_modes == header_.private_modes &&
        found_->header.parts == header_.parts && (found_->tasks > 0 || found_->committing)) {
        TRY_ASSIGN(journal_, place::Journal::append_to(control_));
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
    TRY_ASSIGN(journal_, place::Journal::create(control_, header_));
    return {};
}

Status Staging::sync(io::Faults* faults) const {
    int error = io::fault(faults, io::Faults::Call::sync, tree_.path().native());
    if (error == 0 && ::syncfs(tree_.fd()) != 0) error = errno;
    if (error != 0) return errno_error(fmt::format("cannot write '{}' to disk", tree_.path().string()), error);
    return {};
}

Status Staging::record_tasks(std::uint64_t tasks, io::Faults* faults) {
    TRY(sync(faults));
    TRY(journal_->record_tasks(tasks));
    recorded_ = true;
    (void)io::fault(faults, io::Faults::Call::record, control_.path().native());
    return {};
}

Status Staging::commit(bool durable, io::Faults* faults, const Replacement* replacing) {
    bool renaming = found_ && found_->committing;
    if (durable && !renaming) TRY(sync(faults));
    if (inside_) {
        if (!renaming) TRY(journal_->record_commit());
        merging_ = true;
        TRY(merge(tree_, root_, trust_, faults));
        if (durable) TRY(sync(faults));
        return {};
    }
    const std::string name = prefix_.filename().string();
    TRY(replacing ? replacing->exchange(faults) : rename_new(parent_, stage_name(), parent_, name, faults));
    stage_ = prefix_; // the descriptors stay with the tree
    if (durable) TRY(parent_.sync());
    return {};
}

void Staging::discard() {
    if (merging_) return;
    // To remove a tree takes descriptors: where there are no more, these make room.
    tree_ = Directory();
    control_ = Directory();
    journal_.reset();
    if (inside_) (void)remove_control(root_);
    else if (parent_) (void)parent_.remove_tree(stage_name());
    remove_parents();
}

void Staging::remove_parents() const {
    for (auto it = made_.rbegin(); it != made_.rend(); ++it) ::rmdir(it->c_str());
}

std::string Staging::first_conflict(const std::vector<std::string>& files,
                                    const std::vector<std::string>& directories) const {
    struct stat st;
    for (const std::string& path : files)
        if (root_.look(path, st) == 0) return path;
    for (const std::string& path : directories)
        if (!path.empty() && root_.look(path, st) == 0 && !S_ISDIR(st.st_mode)) return path;
    return "";
}

} // namespace tinderbox::install
