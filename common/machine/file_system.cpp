#include "common/machine/file_system.hpp"

#include "common/base/units.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/quota.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace tinderbox::machine {
namespace {

struct FileSystemRow {
    std::uint32_t magic;
    std::string_view name;
    bool folds_case = false, no_symlinks = false;
};
// linux/magic.h and the file systems' own headers. ext2 and ext3 share the number of ext4.
constexpr FileSystemRow file_systems[] = {
    {0x4d44, "vfat", true, true}, {0x2011bab0, "exfat", true, true},
    {0x5346544e, "ntfs", true},   {0x7366746e, "ntfs3", true},
    {0xff534d42, "cifs", true},   {0xfe534d42, "smb", true},
    {0x01021997, "9p", true},     {0x6969, "nfs"},
    {0x65735546, "fuse"},         {0xef53, "ext4"},
    {0x58465342, "xfs"},          {0x9123683e, "btrfs"},
    {0x2fc12fc1, "zfs"},          {0xf2f52010, "f2fs"},
    {0x01021994, "tmpfs"},        {0x794c7630, "overlay"},
    {0x73717368, "squashfs"},     {0x0bd00bd0, "lustre"},
    {0x47504653, "gpfs"},         {0x19830326, "beegfs"},
    {0x00c36400, "ceph"},
};

void read_quota(int fd, FileSystemFacts& facts) {
#ifdef SYS_quotactl_fd
    // Linux 5.14 and later: no need to find the block device. Anything else than an answer means "not known".
    struct dqblk quota {};
    if (::syscall(SYS_quotactl_fd, fd, QCMD(Q_GETQUOTA, USRQUOTA), ::geteuid(), &quota) != 0) return;
    if (quota.dqb_bhardlimit != 0) {
        std::uint64_t limit = quota.dqb_bhardlimit * 1024;
        facts.quota_bytes = limit > quota.dqb_curspace ? limit - quota.dqb_curspace : 0;
    }
    if (quota.dqb_ihardlimit != 0)
        facts.quota_inodes =
            quota.dqb_ihardlimit > quota.dqb_curinodes ? quota.dqb_ihardlimit - quota.dqb_curinodes : 0;
#endif
}

class Judge {
  public:
    Judge(const FileSystemFacts& facts, const std::string& where, const format::InstallInfo& needs)
        : facts_(facts), where_(where), needs_(needs) {}

    std::vector<Finding> run(const NamesCollide& names_collide) {
        judge_kind(names_collide);
        judge_room();
        return std::move(out_);
    }

  private:
    void add(Severity severity, std::string id, std::string sentence, std::string advice = {}) {
        out_.push_back({std::move(id), severity, ErrorKind::storage, std::move(sentence), std::move(advice), {}});
    }
    void error(std::string id, std::string sentence, std::string advice) {
        add(Severity::error, std::move(id), std::move(sentence), std::move(advice));
    }

    void judge_kind(const NamesCollide& names_collide) {
        const std::string on = facts_.file_system.empty() ? "" : fmt::format(" ({})", facts_.file_system);
        if (facts_.read_only)
            error("read-only", fmt::format("the file system of {} is mounted read-only", where_),
                  "choose another prefix with -p");
        if (facts_.noexec)
            error("noexec",
                  fmt::format("the file system of {} is mounted noexec: no program could start from it", where_),
                  "choose a prefix on another file system with -p");
        if (facts_.no_symlinks)
            error("no-symlinks", fmt::format("the file system of {}{} has no symbolic links", where_, on),
                  "choose a prefix on a Linux file system with -p");
        else if (facts_.folds_case && names_collide && names_collide())
            error("case-folding",
                  fmt::format("the file system of {}{} does not tell upper from lower case, and the environment has "
                              "names that differ only in that",
                              where_, on),
                  "choose a prefix on a file system that does with -p");
    }

    void judge_room() {
        const std::uint64_t bytes = needs_.bytes, inodes = needs_.inodes;
        std::uint64_t room = facts_.free_bytes;
        if (facts_.free_bytes < bytes)
            error("disk-space",
                  fmt::format("{} are needed in {}, {} are free", format_bytes(bytes), where_,
                              format_bytes(facts_.free_bytes)),
                  fmt::format("free {} there, or choose another prefix with -p",
                              format_bytes(bytes - facts_.free_bytes)));
        if (facts_.quota_bytes && *facts_.quota_bytes < bytes) {
            room = *facts_.quota_bytes;
            error("quota",
                  fmt::format("{} are needed in {}, your quota leaves {}", format_bytes(bytes), where_,
                              format_bytes(*facts_.quota_bytes)),
                  "free space, ask for a larger quota, or choose another prefix with -p");
        }
        if (facts_.quota_inodes && *facts_.quota_inodes < inodes)
            error("quota-inodes",
                  fmt::format("{} files and directories are needed in {}, your quota leaves {}", inodes, where_,
                              *facts_.quota_inodes),
                  "remove files, ask for a larger quota, or choose another prefix with -p");
        if (!facts_.free_inodes)
            add(Severity::note, "inodes-unknown",
                fmt::format("the file system of {} does not tell how many files it can hold", where_));
        else if (*facts_.free_inodes < inodes)
            error("inodes",
                  fmt::format("{} files and directories are needed in {}, room is for {}", inodes, where_,
                              *facts_.free_inodes),
                  "remove files there, or choose another prefix with -p");
        if (room >= bytes)
            add(Severity::ok, "room",
                fmt::format("{} in {} files and directories are needed, {} are free in {}", format_bytes(bytes), inodes,
                            format_bytes(room), where_));
    }

    const FileSystemFacts& facts_;
    const std::string& where_;
    const format::InstallInfo& needs_;
    std::vector<Finding> out_;
};

} // namespace

FileSystemFacts read_file_system(const fs::path& directory) {
    FileSystemFacts facts;
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
    if (!fd) return facts;
    int flags = 0;
    if (::ioctl(fd.get(), FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_CASEFOLD_FL) != 0) facts.folds_case = true;
    read_quota(fd.get(), facts);
    return facts;
}

fs::path nearest_directory(const fs::path& path) {
    fs::path out = path;
    std::error_code error;
    while (!fs::is_directory(out, error) && out != out.root_path()) out = out.parent_path();
    return out;
}

std::vector<Finding> judge_file_system(const FileSystemFacts& facts, const std::string& where,
                                       const format::InstallInfo& needs, const NamesCollide& names_collide) {
    return Judge(facts, where, needs).run(names_collide);
}

} // namespace tinderbox::machine
