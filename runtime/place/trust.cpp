#include "runtime/place/trust.hpp"

#include "common/base/users.hpp"
#include "runtime/place/control_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <deque>

namespace tinderbox::place {
namespace {

constexpr int most_links = 40; // as the kernel's own limit

bool writable_by_others(const Trust& trust, const struct stat& st) {
    if ((st.st_mode & S_IWOTH) != 0) return true;
    // A group of its own for each user is common (umask 002); root's group has root alone.
    return (st.st_mode & S_IWGRP) != 0 && st.st_gid != 0 && st.st_gid != trust.group;
}

std::string who(const struct stat& st) {
    return fmt::format("{}, mode {:o}", describe_user(st.st_uid), st.st_mode & 07777);
}

// Of a directory that is writable_by_others().
std::string writers(const struct stat& st) {
    return (st.st_mode & S_IWOTH) != 0 ? "every user" : fmt::format("group {}", st.st_gid);
}

std::string advice_for_way(const Trust& trust) {
    std::string out = "choose a prefix with -p that only you can change";
    if (trust.user == 0) out += ", become the owner with --as-owner,";
    return out + " or accept this with --allow-shared";
}

// Walks from "/" by descriptors.
class Walk {
  public:
    Walk(const fs::path& path, const Trust& trust) : path_(path), trust_(trust) { prepend(path.native()); }

    Approach run() {
        to_root();
        while (!todo_.empty() && go_on()) step();
        out_.nearest = Directory(std::move(at_.back()), shown_);
        if (out_.arrived) open_tree();
        return std::move(out_);
    }

  private:
    bool go_on() const {
        return !out_.refusal && out_.error == 0 && out_.missing.empty() && out_.not_directory.empty();
    }

    void prepend(std::string_view path) {
        std::deque<std::string> names;
        while (!path.empty()) {
            const auto slash = path.find('/');
            if (slash != 0 && path.substr(0, slash) != ".") names.emplace_back(path.substr(0, slash));
            path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
        }
        todo_.insert(todo_.begin(), names.begin(), names.end());
    }

    void to_root() {
        at_.clear();
        shown_ = "/";
        at_.emplace_back(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
        struct stat st;
        if (!at_.back() || ::fstat(at_.back().get(), &st) != 0) out_.error = errno;
        else out_.refusal = refuse_way(trust_, shown_, st);
    }

    void step() {
        const std::string name = std::move(todo_.front());
        todo_.pop_front();
        if (name == "..") {
            if (at_.size() > 1) at_.pop_back();
            shown_ = shown_.parent_path();
            passed();
            out_.arrived = todo_.empty();
            return;
        }
        Fd fd(::openat(at_.back().get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        const int error = errno;
        struct stat st;
        if (!fd && error == ENOENT) {
            todo_.push_front(name);
            if (behind_link_ > 0) no_directory(shown_ / name, behind_link_ == 1); // a link that leads nowhere
            else out_.missing.assign(todo_.begin(), todo_.end());
        } else if (!fd || ::fstat(fd.get(), &st) != 0) {
            out_.error = fd ? errno : error;
        } else if (S_ISLNK(st.st_mode)) {
            follow(fd, name, st);
        } else if (!S_ISDIR(st.st_mode)) {
            no_directory(shown_ / name, todo_.empty());
        } else {
            enter(std::move(fd), name, st);
        }
    }

    void no_directory(const fs::path& path, bool at_path) {
        out_.not_directory = path;
        out_.at_path = at_path;
    }

    void passed() {
        if (todo_.size() < behind_link_) behind_link_ = 0;
    }

    void enter(Fd fd, const std::string& name, const struct stat& st) {
        shown_ /= name;
        at_.push_back(std::move(fd));
        passed();
        out_.arrived = todo_.empty();
        if (!out_.arrived) out_.refusal = refuse_way(trust_, shown_, st);
    }

    void follow(const Fd& link, const std::string& name, const struct stat& st) {
        out_.refusal = refuse_way(trust_, shown_ / name, st);
        if (out_.refusal) return;
        std::string target(PATH_MAX, '\0');
        const ssize_t size = ::readlinkat(link.get(), "", target.data(), target.size());
        if (size < 0) out_.error = errno;
        else if (++links_ > most_links) out_.error = ELOOP;
        if (out_.error != 0) return;
        target.resize(static_cast<std::size_t>(size));
        behind_link_ = behind_link_ == 0 ? todo_.size() + 1 : std::min(behind_link_, todo_.size() + 1);
        prepend(target);
        if (target.starts_with('/')) to_root();
    }

    void open_tree() {
        Fd fd(::openat(out_.nearest.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!fd) out_.error = errno;
        else out_.tree = Directory(std::move(fd), path_);
    }

    const fs::path& path_;
    const Trust& trust_;
    Approach out_;
    std::deque<std::string> todo_;
    std::vector<Fd> at_; // from "/" to the directory that was reached
    fs::path shown_;
    int links_ = 0;
    std::size_t behind_link_ = 0; // fewer names to do: the links' targets were passed; 0 = no link
};

} // namespace

Trust Trust::now(bool allow_shared) {
    struct stat st;
    Trust out{::geteuid(), ::getegid(), 0, allow_shared};
    if (::stat("/", &st) == 0) out.root = st.st_uid;
    return out;
}

std::optional<Refusal> refuse_way(const Trust& trust, const fs::path& shown, const struct stat& st) {
    if (trust.allow_shared) return std::nullopt;
    const bool link = S_ISLNK(st.st_mode);
    const std::string name = shown.string();
    if (st.st_uid != trust.user && !trust.is_root(st.st_uid))
        return Refusal{
            "untrusted-parent",
            fmt::format("{} '{}' on the way to the prefix belongs to {}, who could put something else in the "
                        "prefix's place",
                        link ? "the link" : "the directory", name, who(st)),
            advice_for_way(trust)};
    if (!link && (st.st_mode & S_ISVTX) == 0 && writable_by_others(trust, st))
        return Refusal{"untrusted-parent",
                       fmt::format("{} may write to the directory '{}' ({}) on the way to the prefix, and could put "
                                   "something else in the prefix's place",
                                   writers(st), name, who(st)),
                       advice_for_way(trust)};
    return std::nullopt;
}

std::optional<Refusal> refuse_tree(const Trust& trust, const fs::path& shown, const struct stat& st, Access access) {
    const bool own = st.st_uid == trust.user;
    const bool roots = access == Access::read && trust.is_root(st.st_uid);
    if (!own && !roots)
        return Refusal{
            "untrusted-prefix",
            fmt::format("'{}' belongs to {}; you are {}", shown.string(), who(st), describe_user(trust.user)),
            trust.user == 0 ? "continue as that user with --as-owner, or choose another prefix with -p"
                            : "let its owner do this, or choose another prefix with -p"};
    if (!trust.allow_shared && writable_by_others(trust, st))
        return Refusal{"untrusted-prefix",
                       fmt::format("{} may write to '{}' ({})", writers(st), shown.string(), who(st)),
                       fmt::format("take the permission away (chmod go-w '{}'), choose another prefix with -p, or "
                                   "accept this with --allow-shared",
                                   shown.string())};
    return std::nullopt;
}

Approach approach(const fs::path& path, const Trust& trust) { return Walk(path, trust).run(); }

std::optional<Refusal> refusal_of(const Approach& there, const fs::path& shown, const Trust& trust, Access access) {
    struct stat st;
    if (there.refusal) return there.refusal;
    if (!there.arrived || ::fstat(there.nearest.fd(), &st) != 0) return std::nullopt;
    return refuse_tree(trust, shown, st, access);
}

Result<Directory> open_on_trusted_way(const fs::path& path, const Trust& trust) {
    Approach there = approach(path, trust);
    if (there.refusal) return there.refusal->error();
    if (!there.tree)
        return errno_error(fmt::format("cannot open the directory '{}'", path.string()),
                           there.error != 0 ? there.error : ENOENT);
    return std::move(there.tree);
}

Result<Directory> open_root(const fs::path& root, const Trust& trust, Access access) {
    TRY_ASSIGN(Directory directory, open_on_trusted_way(root, trust));
    struct stat st;
    if (::fstat(directory.fd(), &st) != 0) return errno_error(fmt::format("cannot look at '{}'", root.string()), errno);
    if (auto refusal = refuse_tree(trust, root, st, access)) return refusal->error();
    return directory;
}

Result<OpenTree> open_tree(const fs::path& root, const Trust& trust, Access access) {
    TRY_ASSIGN(Directory directory, open_root(root, trust, access));
    TRY_ASSIGN(auto control, open_control(directory, trust, access));
    if (!control) return make_error(ErrorKind::storage, "'{}' holds no '{}'", root.string(), control_directory);
    return OpenTree{std::move(directory), *std::move(control)};
}

Result<Directory> make_parents(const fs::path& path, const Trust& trust, mode_t mode, std::vector<fs::path>& made) {
    auto cannot = [&](int error) {
        return errno_error(fmt::format("cannot create the directory '{}'", path.string()), error);
    };
    for (;;) {
        Approach way = approach(path, trust);
        if (way.refusal) return way.refusal->error();
        if (!way.not_directory.empty())
            return make_error(ErrorKind::storage, "'{}' is not a directory", way.not_directory.string());
        if (way.error != 0) return cannot(way.error);
        struct stat st;
        if (way.missing.empty()) {
            if (::fstat(way.tree.fd(), &st) != 0) return cannot(errno);
            if (auto refusal = refuse_way(trust, way.tree.path(), st)) return refusal->error();
            return std::move(way.tree);
        }
        // The next round asks whose directory it is: somebody may have been faster.
        const std::string& name = way.missing.front();
        if (::mkdirat(way.nearest.fd(), name.c_str(), mode) == 0) made.push_back(way.nearest.path() / name);
        else if (errno != EEXIST) return cannot(errno);
    }
}

Result<std::optional<Directory>> open_control(const Directory& root, const Trust& trust, Access access) {
    struct stat st;
    const int error = root.look(control_directory, st);
    if (error == ENOENT) return std::optional<Directory>();
    const std::string shown = root.shown(control_directory);
    if (error != 0) return errno_error(fmt::format("cannot look at '{}'", shown), error);
    if (!S_ISDIR(st.st_mode)) return make_error(ErrorKind::storage, "'{}' is not a directory; move it away", shown);
    TRY_ASSIGN(Directory control, root.directory(control_directory));
    if (::fstat(control.fd(), &st) != 0) return errno_error(fmt::format("cannot look at '{}'", shown), errno);
    if (auto refusal = refuse_tree(trust, control.path(), st, access)) return refusal->error();
    return std::optional(std::move(control));
}

Result<std::optional<Directory>> open_control(const fs::path& root, Access access) {
    struct stat st;
    if (::stat(root.c_str(), &st) != 0 && (errno == ENOENT || errno == ENOTDIR)) return std::optional<Directory>();
    TRY_ASSIGN(Directory directory, Directory::open(root));
    // Who calls this has walked to the root before, or was allowed to share it.
    return open_control(directory, Trust::now(true), access);
}

} // namespace tinderbox::place
