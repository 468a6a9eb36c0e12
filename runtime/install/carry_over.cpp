#include "runtime/install/carry_over.hpp"

#include "common/base/hash_file.hpp"
#include "common/base/text.hpp"
#include "runtime/install/control_files.hpp"
#include "runtime/install/rename.hpp"
#include "runtime/place/control_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>

namespace tinderbox::install {
namespace {

// "a/b/c" → f("a"), f("a/b").
template <class Function> void each_parent(const std::string& path, Function f) {
    for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
        f(path.substr(0, slash));
}

// The user's entries that the new tree has no room for.
class Conflicts {
  public:
    Conflicts(const Directory& old, const format::Table& table, const io::WritePlan& plan) : old_(old) {
        for (const format::Destination& d : table.destinations)
            if (d.kind != format::EntryKind::directory) files_.insert(plan.path_of(d));
        for (const io::PlannedDirectory& directory : plan.directories) directories_.insert(directory.path);
    }

    // The same of a tree that is installed.
    Conflicts(const Directory& old, const std::vector<InstalledRow>& rows) : old_(old) {
        for (const InstalledRow& row : rows) (row.kind == 'd' ? directories_ : files_).insert(row.path);
    }

    void look(std::string path) {
        const bool directory = path.ends_with('/');
        if (directory) path.pop_back();
        bool blocked = files_.contains(path);
        each_parent(path, [&](const std::string& parent) { blocked = blocked || files_.contains(parent); });
        if (blocked || (!directory && directories_.contains(path))) found_.push_back(path);
        else if (directory && directories_.contains(path)) look_below(path);
    }
    const std::vector<std::string>& found() const { return found_; }

  private:
    // Both sides have this directory.
    void look_below(const std::string& path) {
        auto opened = old_.directory(path);
        auto entries = opened.ok() ? opened->entries() : Result<std::vector<Directory::Entry>>(opened.error());
        if (!entries.ok()) {
            found_.push_back(path); // unknown is no permission
            return;
        }
        for (const Directory::Entry& entry : *entries) look(path + "/" + entry.name + (entry.is_directory ? "/" : ""));
    }

    const Directory& old_;
    std::set<std::string, std::less<>> files_, directories_;
    std::vector<std::string> found_;
};

std::string named(const std::vector<std::string>& paths) {
    constexpr std::size_t shown = 10;
    std::vector<std::string> names;
    for (const std::string& path : paths) names.push_back(fmt::format("'{}'", path));
    return some_of(names, shown);
}

// Puts entries of one tree into another, and never over anything.
class Mover {
  public:
    Mover(const Directory& from, const Directory& to, const place::Trust& trust, io::Faults* faults)
        : from_(from), to_(to), trust_(trust), faults_(faults) {}

    // `path` without a '/' at its end.
    Status move(const std::string& path) {
        struct stat source, there;
        if (const int error = from_.look(path, source); error == ENOENT) return {};
        else if (error != 0) return errno_error(fmt::format("cannot look at '{}'", from_.shown(path)), error);
        TRY(make_parents(path));
        const int error = to_.look(path, there);
        if (error == ENOENT) return rename(path, path);
        if (error != 0) return errno_error(fmt::format("cannot look at '{}'", to_.shown(path)), error);
        if (S_ISDIR(source.st_mode) && S_ISDIR(there.st_mode)) {
            if (auto refusal = place::refuse_tree(trust_, to_.path() / path, there, place::Access::write))
                return refusal->error();
            return merge(path);
        }
        if (S_ISREG(source.st_mode) && S_ISREG(there.st_mode) && same_bytes(path)) {
            const int gone = from_.unlink(path);
            return gone == 0 ? Status() : errno_error(fmt::format("cannot remove '{}'", from_.shown(path)), gone);
        }
        return rename(path, saved_name(to_, path));
    }
    std::vector<std::string> moved; // as they are called now

  private:
    Status merge(const std::string& path) {
        TRY_ASSIGN(Directory directory, from_.directory(path));
        TRY_ASSIGN(auto entries, directory.entries());
        for (const Directory::Entry& entry : entries) TRY(move(path + "/" + entry.name));
        const int error = from_.remove_directory(path);
        return error == 0 ? Status() : errno_error(fmt::format("cannot remove '{}'", from_.shown(path)), error);
    }
    bool same_bytes(const std::string& path) const {
        auto digest = [&](const Directory& root) -> Result<Sha256Digest> {
            TRY_ASSIGN(Fd fd, root.open_file(path, O_RDONLY | O_NONBLOCK));
            TRY_ASSIGN(FileHash hash, hash_file(fd.get(), path));
            return hash.sha256;
        };
        const auto old = digest(from_), now = digest(to_);
        return old.ok() && now.ok() && *old == *now;
    }
    // Directories that the new environment does not have get the mode of the old ones.
    Status make_parents(const std::string& path) {
        Status status;
        each_parent(path, [&](const std::string& parent) {
            struct stat st;
            if (!status.ok() || to_.look(parent, st) != ENOENT) return;
            const int error = from_.look(parent, st);
            status = error == 0 ? to_.make_directory(parent, st.st_mode & 07777)
                                : Status(errno_error(fmt::format("cannot look at '{}'", from_.shown(parent)), error));
        });
        return status;
    }
    // Both in the same directory of their trees. Directories are opened first, because rename(2) would follow links.
    Status rename(const std::string& path, const std::string& new_path) {
        const auto slash = path.rfind('/');
        Directory from_parent, to_parent;
        if (slash != std::string::npos) {
            TRY_ASSIGN(from_parent, from_.directory(path.substr(0, slash)));
            TRY_ASSIGN(to_parent, to_.directory(path.substr(0, slash)));
        }
        const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
        TRY(rename_new(from_parent ? from_parent : from_, path.substr(name), to_parent ? to_parent : to_,
                       new_path.substr(name), faults_));
        moved.push_back(new_path);
        return {};
    }

    const Directory &from_, &to_;
    const place::Trust& trust_;
    io::Faults* faults_;
};

// What is not the installation's in .tinderbox, and the record that takes back `conda init`.
Status carry_control(const Directory& old, const Directory& now, const place::Trust& trust) {
    TRY_ASSIGN(auto entries, old.entries());
    for (const Directory::Entry& entry : entries)
        if (!place::is_control_name(entry.name) ||
            (entry.name == place::control::shell_init && !now.exists(entry.name)))
            TRY(Mover(old, now, trust, nullptr).move(entry.name));
    return {};
}

// An update takes files from the old environment, and has no others in their place.
std::optional<place::Refusal> refuse_inheritance(const std::string& root, const Ownership& owners,
                                                 const format::Table& table, const io::WritePlan& plan) {
    const std::set<std::string_view> whole(owners.installed.begin(), owners.installed.end());
    std::vector<std::string> missing;
    for (std::uint32_t d : plan.inherited)
        if (std::string path = plan.path_of(table.destinations[d]); !whole.contains(path))
            missing.push_back(std::move(path));
    if (missing.empty()) return std::nullopt;
    return place::Refusal{
        "update-base-changed",
        fmt::format("the update needs files of '{}' that were changed or are gone: {}", root, named(missing)),
        "the earlier installer's --repair brings them back, and keeps yours beside them"};
}

} // namespace

Result<std::optional<place::Refusal>> refuse_carry_over(const place::Decision& decision, const format::Table& table,
                                                        const io::WritePlan& plan, const TreeWork& work) {
    const std::optional<place::Refusal> none;
    if (decision.staging != place::StagingKind::replace || decision.refusal) return none;
    if (decision.purge && !decision.earlier) return none;
    const std::string root = decision.layout.root.string();
    auto unknown = [&](const std::string& why) {
        return std::optional(place::Refusal{
            "users-files-unknown", fmt::format("nothing tells which files in '{}' are yours: {}", root, why),
            "choose another prefix with -p, or add --purge, which removes everything in it"});
    };
    if (decision.found != place::Found::environment) return unknown("Tinderbox did not install them");
    const fs::path aside = place::aside_of(decision.layout.root); // of a run that was killed
    auto tree = place::open_tree(lexists(decision.layout.root) ? decision.layout.root : aside, decision.trust,
                                 place::Access::write);
    if (!tree.ok()) return unknown(tree.error().message);
    auto rows = read_installed_list(tree->control);
    if (!rows.ok()) return unknown(rows.error().message);
    auto owners = tell_apart(tree->root, *rows, work);
    if (!owners.ok() && owners.error().kind == ErrorKind::interrupted) return std::move(owners).error();
    if (!owners.ok()) return unknown(owners.error().message);
    if (auto refusal = refuse_inheritance(root, *owners, table, plan)) return refusal;
    if (decision.purge) return none;
    Conflicts conflicts(tree->root, table, plan);
    for (const std::string& path : owners->users) conflicts.look(path);
    if (conflicts.found().empty()) return none;
    return std::optional(
        place::Refusal{"users-files",
                       fmt::format("in '{}' you have added or changed what the new environment has, too: {}", root,
                                   named(conflicts.found())),
                       "move it away, or add --purge, which removes everything that you added or changed"});
}

Result<std::optional<place::Refusal>> refuse_exchange(const place::OpenTree& root, const place::OpenTree& other,
                                                      const TreeWork& work) {
    TRY_ASSIGN(const auto rows, read_installed_list(root.control));
    TRY_ASSIGN(const auto other_rows, read_installed_list(other.control));
    TRY_ASSIGN(const Ownership owners, tell_apart(root.root, rows, work, &other.root));
    Conflicts conflicts(root.root, other_rows);
    for (const std::string& path : owners.users) conflicts.look(path);
    if (conflicts.found().empty()) return std::nullopt;
    return place::Refusal{"users-files",
                          fmt::format("in '{}' you have added or changed what that generation has, too: {}",
                                      root.root.path().string(), named(conflicts.found())),
                          "move it away, or add --purge: then what you added or changed stays in the generation that "
                          "this environment becomes"};
}

Result<std::optional<place::Refusal>> refuse_carry_over(const format::RunFile& run, const place::Decision& decision,
                                                        const TreeWork& work) {
    TRY_ASSIGN(format::Table whole, run.table());
    TRY_ASSIGN(const format::Table table, place::select(std::move(whole), decision.layout.parts));
    TRY_ASSIGN(const io::WritePlan plan, io::make_write_plan(table, decision.layout.root_paths()));
    return refuse_carry_over(decision, table, plan, work);
}

Result<std::vector<std::string>> carry_over(const Directory& old, const Directory& now, const place::Trust& trust,
                                            OldTree rest, const TreeWork& work, io::Faults* faults) {
    TRY_ASSIGN(auto entries, old.entries());
    // Killed while the last of it was removed.
    const bool done = std::ranges::all_of(
        entries, [](const Directory::Entry& entry) { return entry.name == place::control_directory; });
    if (done) {
        TRY(remove_control(old));
        return std::vector<std::string>();
    }
    TRY_ASSIGN(Directory control, old.directory(place::control_directory));
    TRY_ASSIGN(Directory new_control, now.directory(place::control_directory));
    TRY_ASSIGN(auto rows, read_installed_list(control));
    TRY_ASSIGN(const Ownership owners, tell_apart(old, rows, work, &now));
    Mover mover(old, now, trust, faults);
    for (std::string path : owners.users) {
        if (path.ends_with('/')) path.pop_back();
        TRY(mover.move(path));
    }
    TRY(carry_control(control, new_control, trust));
    // They are durable in the new tree before the old one goes.
    if (::syncfs(now.fd()) != 0) return errno_error("cannot write to the disk", errno);
    if (rest == OldTree::keep) return std::move(mover.moved);
    TRY(remove_installed(old, rows, owners.installed, "run the installer again when that is repaired", work));
    TRY(remove_control(old));
    return std::move(mover.moved);
}

} // namespace tinderbox::install
