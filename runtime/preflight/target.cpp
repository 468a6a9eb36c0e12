#include "runtime/preflight/target.hpp"

#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"

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

namespace tinderbox::preflight {
namespace {

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

class Judge {
  public:
    Judge(const TargetFacts& facts, const place::Decision& decision, const format::Manifest& manifest,
          const NamesCollide& names_collide)
        : facts_(facts), decision_(decision), limits_(decision.limits(manifest)), needs_(decision.needs(manifest)),
          names_collide_(names_collide) {}

    std::vector<machine::Finding> run() {
        judge_name();
        judge_existing();
        judge_file_system();
        judge_room();
        return std::move(out_);
    }

  private:
    void add(machine::Severity severity, std::string id, std::string sentence, std::string advice = {},
             ErrorKind kind = ErrorKind::storage) {
        out_.push_back({std::move(id), severity, kind, std::move(sentence), std::move(advice)});
    }
    void error(std::string id, std::string sentence, std::string advice, ErrorKind kind = ErrorKind::storage) {
        add(machine::Severity::error, std::move(id), std::move(sentence), std::move(advice), kind);
    }

    void refuse(place::Refusal refusal) { out_.push_back(finding_of(std::move(refusal))); }

    void judge_name() {
        const std::string& prefix = facts_.prefix;
        for (const place::PrefixLimit& limit : limits_)
            if (auto refusal = place::refuse_length(limit, prefix)) refuse(*std::move(refusal));
        if (prefix.find(':') != std::string::npos)
            add(machine::Severity::warning, "prefix-colon",
                fmt::format("the prefix '{}' holds a ':', which PATH cannot express", prefix),
                "choose one without ':' with -p");
        if (prefix.find(' ') != std::string::npos)
            add(machine::Severity::note, "prefix-space",
                fmt::format("the prefix '{}' holds a space; this is supported", prefix));
    }

    void judge_existing() {
        const std::string& prefix = facts_.prefix;
        if (!facts_.not_a_directory.empty())
            return error("prefix-parent", fmt::format("'{}' is not a directory", facts_.not_a_directory),
                         "choose another prefix with -p");
        if (decision_.refusal) refuse(*decision_.refusal);
        else if (decision_.staging == place::StagingKind::replace)
            add(machine::Severity::note, "replaces",
                fmt::format("'{}' is replaced when the new environment is complete", prefix));
        if (!facts_.writable && !facts_.read_only)
            error("not-writable",
                  errno_error(fmt::format("'{}' may not be written to", facts_.existing), facts_.write_errno).message,
                  "choose another prefix with -p, or run as a user who may write there");
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
        else if (facts_.folds_case && names_collide_ && names_collide_())
            error("case-folding",
                  fmt::format("the file system of '{}'{} does not tell upper from lower case, and the "
                              "environment has names "
                              "that differ only in that",
                              facts_.existing, on),
                  "choose a prefix on a file system that does with -p");
    }

    void judge_room() {
        auto less = [](std::uint64_t need, std::uint64_t there) { return need > there ? need - there : 0; };
        const std::uint64_t bytes = less(needs_.bytes, facts_.staged_bytes);
        const std::uint64_t inodes = less(needs_.inodes, facts_.staged_inodes);
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
                  fmt::format("{} files and directories are needed in '{}', your quota leaves {}", inodes, where,
                              *facts_.quota_inodes),
                  "remove files, ask for a larger quota, or choose another prefix with -p");
        if (!facts_.free_inodes)
            add(machine::Severity::note, "inodes-unknown",
                fmt::format("the file system of '{}' does not tell how many files it can hold", where));
        else if (*facts_.free_inodes < inodes)
            error("inodes",
                  fmt::format("{} files and directories are needed in '{}', room is for {}", inodes, where,
                              *facts_.free_inodes),
                  "remove files there, or choose another prefix with -p");
        if (room >= bytes)
            add(machine::Severity::ok, "room",
                fmt::format("{} in {} files and directories are needed, {} are free in '{}'", format_bytes(bytes),
                            inodes, format_bytes(room), where));
    }

    const TargetFacts& facts_;
    const place::Decision& decision_;
    const std::vector<place::PrefixLimit> limits_;
    const format::InstallInfo needs_;
    const NamesCollide& names_collide_;
    std::vector<machine::Finding> out_;
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

// Somebody else's tree under that name is refused later, so it gives no room back.
void read_staged(const fs::path& stage, TargetFacts& facts) {
    struct stat info {};
    if (::lstat(stage.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid())
        add_tree(stage, facts);
}

} // namespace

TargetFacts read_target_facts(const place::Decision& decision) {
    TargetFacts facts;
    facts.prefix = decision.layout.root.string();
    fs::path nearest = decision.layout.root;
    if (decision.found == place::Found::file) nearest = nearest.parent_path();
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
    read_staged(decision.stage, facts);
    return facts;
}

std::vector<machine::Finding> judge_target(const TargetFacts& facts, const place::Decision& decision,
                                           const format::Manifest& manifest, const NamesCollide& names_collide) {
    return Judge(facts, decision, manifest, names_collide).run();
}

machine::Finding finding_of(place::Refusal refusal) {
    return {std::move(refusal.id), machine::Severity::error, refusal.kind, std::move(refusal.sentence),
            std::move(refusal.advice)};
}

nlohmann::json to_json(const TargetFacts& facts, place::Found found) {
    nlohmann::json out = {{"prefix", facts.prefix},
                          {"found", place::to_string(found)},
                          {"free_bytes", facts.free_bytes},
                          {"file_system", facts.file_system}};
    if (facts.free_inodes) out["free_inodes"] = *facts.free_inodes;
    if (facts.quota_bytes) out["quota_bytes"] = *facts.quota_bytes;
    return out;
}

} // namespace tinderbox::preflight
