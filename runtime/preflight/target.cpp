#include "runtime/preflight/target.hpp"

#include "common/base/file.hpp"
#include "common/base/text.hpp"

#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/quota.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

namespace tinderbox {
namespace {

using Kind = TargetFacts::Kind;

struct FileSystemRow {
    std::uint32_t magic;
    std::string_view name;
    bool folds_case, no_symlinks;
};
constexpr FileSystemRow file_systems[] = {
    {0x4d44, "vfat", true, true},       {0x2011bab0, "exfat", true, true}, {0x5346544e, "ntfs", true, false},
    {0x7366746e, "ntfs3", true, false}, {0xff534d42, "cifs", true, false}, {0xfe534d42, "smb", true, false},
    {0x01021997, "9p", true, false},    {0x6969, "nfs", false, false},     {0x65735546, "fuse", false, false},
};

void read_file_system(const std::string& directory, TargetFacts& facts) {
    struct statvfs info {};
    if (::statvfs(directory.c_str(), &info) == 0) {
        facts.free_bytes = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
        // No total means that the file system has no such limit (btrfs) or does not tell (some network
        // mounts).
        if (info.f_files != 0) facts.free_inodes = info.f_favail;
        facts.read_only = (info.f_flag & ST_RDONLY) != 0;
        facts.noexec = (info.f_flag & ST_NOEXEC) != 0;
    }
    struct statfs kind {};
    if (::statfs(directory.c_str(), &kind) == 0)
        for (const FileSystemRow& row : file_systems)
            if (static_cast<std::uint32_t>(kind.f_type) == row.magic) {
                facts.file_system = row.name;
                facts.folds_case = row.folds_case;
                facts.no_symlinks = row.no_symlinks;
            }
    Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    int flags = 0;
    if (fd && ::ioctl(fd.get(), FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_CASEFOLD_FL) != 0) facts.folds_case = true;
#ifdef SYS_quotactl_fd
    // Linux 5.14 and later: no need to find the block device. Anything else than an answer means "not known".
    struct dqblk quota {};
    if (fd && ::syscall(SYS_quotactl_fd, fd.get(), QCMD(Q_GETQUOTA, USRQUOTA), ::geteuid(), &quota) == 0) {
        if (quota.dqb_bhardlimit != 0) {
            std::uint64_t limit = quota.dqb_bhardlimit * 1024;
            facts.quota_bytes = limit > quota.dqb_curspace ? limit - quota.dqb_curspace : 0;
        }
        if (quota.dqb_ihardlimit != 0)
            facts.quota_inodes =
                quota.dqb_ihardlimit > quota.dqb_curinodes ? quota.dqb_ihardlimit - quota.dqb_curinodes : 0;
    }
#endif
}

Kind kind_of(const fs::path& prefix) {
    std::error_code error;
    auto status = fs::status(prefix, error);
    if (!fs::exists(status)) {
        // A dangling symlink is in the way as much as a file.
        return fs::is_symlink(fs::symlink_status(prefix, error)) ? Kind::file : Kind::absent;
    }
    if (!fs::is_directory(status)) return Kind::file;
    fs::directory_iterator it(prefix, error);
    if (error) return Kind::unreadable;
    if (it == fs::directory_iterator()) return Kind::empty_directory;
    if (fs::exists(prefix / ".tinderbox/state", error) && !fs::exists(prefix / ".tinderbox/stage", error))
        return Kind::ours;
    if (fs::exists(prefix / "conda-meta", error)) return Kind::conda;
    // An interrupted installation into a directory that existed: the installer goes on with it, or says whose
    // it is.
    if (fs::exists(prefix / ".tinderbox/stage", error)) return Kind::empty_directory;
    // What a fresh file system brings along is nobody's.
    bool foreign = false;
    for (; it != fs::directory_iterator(); it.increment(error)) {
        const std::string name = it->path().filename().string();
        if (name != "lost+found" && name != ".tinderbox") foreign = true;
        if (error || foreign) break;
    }
    if (!foreign) return Kind::empty_directory;
    return Kind::directory;
}

class Judge {
  public:
    Judge(const TargetFacts& facts, const TargetNeeds& needs) : facts_(facts), needs_(needs) {}

    std::vector<Finding> run() {
        judge_name();
        judge_existing();
        judge_file_system();
        judge_room();
        return std::move(out_);
    }

  private:
    void add(Severity severity, std::string id, std::string sentence, std::string advice = {},
             ErrorKind kind = ErrorKind::storage) {
        out_.push_back({std::move(id), severity, kind, std::move(sentence), std::move(advice)});
    }
    void error(std::string id, std::string sentence, std::string advice, ErrorKind kind = ErrorKind::storage) {
        add(Severity::error, std::move(id), std::move(sentence), std::move(advice), kind);
    }

    void judge_name() {
        const std::string& prefix = facts_.prefix;
        std::vector<TargetNeeds::Limit> limits = needs_.limits;
        if (limits.empty()) limits = {{prefix, needs_.install.longest_prefix, needs_.install.longest_prefix_because}};
        for (const auto& limit : limits) {
            if (limit.longest == 0 || limit.prefix.size() <= limit.longest) continue;
            // An environment below a base has less room for the base's own prefix.
            const std::size_t below = limit.prefix.size() > prefix.size() ? limit.prefix.size() - prefix.size() : 0;
            error("prefix-too-long",
                  fmt::format("the prefix '{}' has {} bytes, and '{}' has room for {}", limit.prefix,
                              limit.prefix.size(), limit.because, limit.longest),
                  fmt::format("choose one of at most {} bytes with -p",
                              limit.longest > below ? limit.longest - below : 0),
                  ErrorKind::usage);
        }
        if (prefix.find(':') != std::string::npos)
            add(Severity::warning, "prefix-colon",
                fmt::format("the prefix '{}' holds a ':', which PATH cannot express", prefix),
                "choose one without ':' with -p");
        if (prefix.find(' ') != std::string::npos)
            add(Severity::note, "prefix-space",
                fmt::format("the prefix '{}' holds a space; this is supported", prefix));
    }

    void judge_existing() {
        const std::string& prefix = facts_.prefix;
        if (!facts_.not_a_directory.empty())
            return error("prefix-parent", fmt::format("'{}' is not a directory", facts_.not_a_directory),
                         "choose another prefix with -p");
        const bool occupied = facts_.kind == Kind::conda || facts_.kind == Kind::directory ||
                              (facts_.kind == Kind::ours && !needs_.resumes);
        if (occupied && needs_.replace) {
            add(Severity::note, "replaces",
                fmt::format("'{}' is replaced when the new environment is complete", prefix));
        } else if (occupied && !needs_.conda.empty()) {
            error("environment-exists",
                  fmt::format("'{}' is there already: the conda in '{}' has an environment of that name", prefix,
                              needs_.conda),
                  "replace it with --replace, or build this one with another --name");
        } else {
            judge_kind(prefix);
        }
        if (!facts_.writable && !facts_.read_only)
            error("not-writable",
                  fmt::format("'{}' may not be written to: {}", facts_.existing,
                              errno_error("", facts_.write_errno).message.substr(2)),
                  "choose another prefix with -p, or run as a user who may write there");
    }

    void judge_kind(const std::string& prefix) {
        switch (facts_.kind) {
        case Kind::absent:
            break;
        case Kind::file:
            error("prefix-is-file", fmt::format("'{}' exists and is not a directory", prefix),
                  "choose another prefix with -p");
            break;
        case Kind::unreadable:
            error("prefix-unreadable", fmt::format("the directory '{}' cannot be read", prefix),
                  "choose another prefix with -p");
            break;
        case Kind::empty_directory:
            break;
        case Kind::directory:
            if (!needs_.allow_existing)
                error("prefix-exists", fmt::format("'{}' exists and is not empty", prefix),
                      "choose another prefix with -p, or install into it with -u: what is in it stays");
            break;
        case Kind::conda:
            if (!needs_.allow_existing)
                error("prefix-exists", fmt::format("'{}' holds a conda", prefix),
                      "choose another prefix with -p, or add the environment to its envs/ with -u");
            break;
        case Kind::ours:
            if (!needs_.resumes)
                error("prefix-exists", fmt::format("'{}' holds another environment that Tinderbox installed", prefix),
                      "choose another prefix with -p, or replace it with --replace");
            break;
        }
    }

    void judge_file_system() {
        const std::string on = facts_.file_system.empty() ? "" : fmt::format(" ({})", facts_.file_system);
        if (facts_.read_only)
            error("read-only", fmt::format("the file system of '{}' is mounted read-only", facts_.existing),
                  "choose another prefix with -p");
        if (facts_.noexec)
            error("noexec",
                  fmt::format("the file system of '{}' is mounted noexec: no program could start from it",
                              facts_.existing),
                  "choose a prefix on another file system with -p");
        if (facts_.no_symlinks)
            error("no-symlinks", fmt::format("the file system of '{}'{} has no symbolic links", facts_.existing, on),
                  "choose a prefix on a Linux file system with -p");
        else if (facts_.folds_case && needs_.names_collide && needs_.names_collide())
            error("case-folding",
                  fmt::format("the file system of '{}'{} does not tell upper from lower case, and the "
                              "environment has names "
                              "that differ only in that",
                              facts_.existing, on),
                  "choose a prefix on a file system that does with -p");
    }

    void judge_room() {
        auto less = [](std::uint64_t need, std::uint64_t there) { return need > there ? need - there : 0; };
        const std::uint64_t bytes = less(needs_.install.bytes, facts_.staged_bytes);
        const std::uint64_t inodes = less(needs_.install.inodes, facts_.staged_inodes);
        const std::string where = facts_.existing;
        std::uint64_t room = facts_.free_bytes;
        if (facts_.free_bytes < bytes)
            error("disk-space",
                  fmt::format("{} are needed in '{}', {} are free", format_bytes(bytes), where,
                              format_bytes(facts_.free_bytes)),
                  fmt::format("free {} there, or choose another prefix with -p",
                              format_bytes(bytes - facts_.free_bytes)));
        if (facts_.quota_bytes && *facts_.quota_bytes < bytes) {
            room = *facts_.quota_bytes;
            error("quota",
                  fmt::format("{} are needed in '{}', your quota leaves {}", format_bytes(bytes), where,
                              format_bytes(*facts_.quota_bytes)),
                  "free space, ask for a larger quota, or choose another prefix with -p");
        }
        if (facts_.quota_inodes && *facts_.quota_inodes < inodes)
            error("quota-inodes",
                  fmt::format("{} files are needed in '{}', your quota leaves {}", inodes, where, *facts_.quota_inodes),
                  "remove files, ask for a larger quota, or choose another prefix with -p");
        if (!facts_.free_inodes)
            add(Severity::note, "inodes-unknown",
                fmt::format("the file system of '{}' does not tell how many files it can hold", where));
        else if (*facts_.free_inodes < inodes)
            error("inodes",
                  fmt::format("{} files are needed in '{}', room is for {}", inodes, where, *facts_.free_inodes),
                  "remove files there, or choose another prefix with -p");
        if (room >= bytes)
            add(Severity::ok, "room",
                fmt::format("{} in {} files are needed, {} are free in '{}'", format_bytes(bytes), inodes,
                            format_bytes(room), where));
    }

    const TargetFacts& facts_;
    const TargetNeeds& needs_;
    std::vector<Finding> out_;
};

// One directory's size on the disk; links are not followed.
void add_tree(const fs::path& directory, TargetFacts& facts) {
    std::error_code error;
    for (fs::recursive_directory_iterator it(directory, fs::directory_options::skip_permission_denied, error), end;
         !error && it != end; it.increment(error)) {
        struct stat info {};
        if (::lstat(it->path().c_str(), &info) != 0) continue;
        facts.staged_bytes += static_cast<std::uint64_t>(info.st_blocks) * 512;
        ++facts.staged_inodes;
    }
}

// The two places of runtime/install/staging.hpp: inside an existing prefix, or beside a new one.
void read_staged(const fs::path& prefix, TargetFacts& facts) {
    auto add_own = [&](const fs::path& stage) {
        struct stat info {};
        if (::lstat(stage.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid())
            add_tree(stage, facts);
    };
    add_own(prefix / ".tinderbox/stage");
    const std::string beside = "." + prefix.filename().string() + ".tinderbox-stage";
    std::error_code error;
    for (fs::directory_iterator it(prefix.parent_path(), fs::directory_options::skip_permission_denied, error), end;
         !error && it != end; it.increment(error))
        if (it->path().filename().string().starts_with(beside)) add_own(it->path());
}

std::string_view to_string(Kind kind) {
    static constexpr std::string_view names[] = {"absent", "file",      "empty directory", "directory",
                                                 "conda",  "tinderbox", "unreadable"};
    return names[static_cast<int>(kind)];
}

} // namespace

Result<std::string> resolve_prefix(std::string_view text, std::string_view home, std::string_view cwd) {
    if (text.empty()) return make_error(ErrorKind::usage, "the prefix is empty; name a directory after -p");
    for (char c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            return make_error(ErrorKind::usage,
                              "the prefix holds a control character; choose another directory with -p");
    std::string path(text);
    if (text.front() == '~') {
        // No look-up in the user database: a static program cannot rely on it.
        if (text.size() > 1 && text[1] != '/')
            return make_error(ErrorKind::usage, "'{}': only '~' and '~/…' are understood; write the directory in full",
                              text);
        if (home.empty())
            return make_error(ErrorKind::usage, "'{}' needs $HOME, which is not set; write the directory in full",
                              text);
        path = std::string(home) + std::string(text.substr(1));
    } else if (text.front() != '/') {
        path = std::string(cwd) + "/" + path;
    }
    std::string normal = fs::path(path).lexically_normal().string();
    while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
    if (normal == "/")
        return make_error(ErrorKind::usage, "'/' cannot be the prefix; name a directory below it with -p");
    // It is put into JSON records, string literals and PATH as it is.
    if (auto bad = normal.find_first_of("\"\\:"); bad != std::string::npos)
        return make_error(
            ErrorKind::usage,
            "the prefix holds a '{}', which no environment can have in its path; choose another directory with -p",
            normal[bad]);
    return normal;
}

TargetFacts read_target_facts(const std::string& prefix) {
    TargetFacts facts;
    facts.prefix = prefix;
    facts.kind = kind_of(prefix);
    fs::path nearest = prefix;
    if (facts.kind == Kind::absent || facts.kind == Kind::file) nearest = nearest.parent_path();
    std::error_code error;
    for (;; nearest = nearest.parent_path()) {
        auto status = fs::status(nearest, error);
        if (fs::is_directory(status) || nearest == nearest.root_path()) break;
        if (fs::exists(status)) facts.not_a_directory = nearest.string();
    }
    facts.existing = nearest.string();
    // access() and not a trial file: nothing is written before everything was checked.
    if (::faccessat(AT_FDCWD, facts.existing.c_str(), W_OK | X_OK, AT_EACCESS) != 0) {
        facts.writable = false;
        facts.write_errno = errno;
        if (errno == EROFS) facts.read_only = true;
    }
    read_file_system(facts.existing, facts);
    read_staged(prefix, facts);
    return facts;
}

std::vector<Finding> judge_target(const TargetFacts& facts, const TargetNeeds& needs) {
    return Judge(facts, needs).run();
}

nlohmann::json to_json(const TargetFacts& facts) {
    nlohmann::json out = {{"prefix", facts.prefix},
                          {"found", to_string(facts.kind)},
                          {"free_bytes", facts.free_bytes},
                          {"file_system", facts.file_system}};
    if (facts.free_inodes) out["free_inodes"] = *facts.free_inodes;
    if (facts.quota_bytes) out["quota_bytes"] = *facts.quota_bytes;
    return out;
}

} // namespace tinderbox
