// Streaming through a tar archive – plain, bzip2, gzip or zstd; ustar, GNU and PAX – one member after another.
//
// A thin wrapper over libarchive that refuses hostile archives. Errors of kind `usage` ("ARTIFACT:MEMBER: what, why"):
// absolute paths, "..", a link that leaves the tree, device nodes, FIFOs, sockets, absurd or contradicting sizes, a
// second member of one name with other content. A setuid, setgid or sticky bit is dropped with a warning. A truncated
// or damaged archive is an error.
#pragma once

#include "common/base/budget.hpp"
#include "common/format/table.hpp"
#include "generator/archive/byte_source.hpp"

#include <functional>
#include <string>
#include <vector>

namespace tinderbox::archive {

struct TarMember {
    std::string path; // relative and normal ("./a//b/" is "a/b"); bytes as in the archive, PAX names are UTF-8
    format::EntryKind kind = format::EntryKind::file;
    std::uint16_t mode = 0644; // permission bits
    std::int64_t mtime = 0;    // seconds since 1970
    std::uint64_t size = 0;    // of a file's content; 0 for a hard link
    std::string link;          // symlink: its target, verbatim
    std::string hard_link;     // a file that is another name of this earlier member (path), whose content it has
};

// Bytes of all contents; members and the directories in which they lie; components of a path. The largest packages
// have some hundred thousand files.
inline constexpr Budget tar_budget{.bytes = 512ull << 30, .nodes = 700'000, .depth = 256};
inline constexpr std::uint64_t tar_names_bytes = 96u << 20; // of all paths together

struct TarOptions {
    std::string name; // what errors call the archive ("x.conda:pkg-x.tar.zst")
    Budget budget = tar_budget;
    // Absolute targets of symlinks and those that leave the tree are refused unless this says true for one.
    std::function<bool(const TarMember&)> allow_link;
    std::vector<std::string>* warnings = nullptr; // dropped setuid bits and the like, one sentence each
};

// Calls `visit` for every member except the root directory itself and equal repetitions. `content` is valid during the
// call only; bytes that the callback does not read are skipped. An error of `visit` ends the walk and is returned.
Status read_tar(ByteSource& input, const TarOptions& options,
                const std::function<Status(const TarMember& member, ByteSource& content)>& visit);

} // namespace tinderbox::archive
