// Lists the members of an uncompressed tar with the offsets of their bytes, so that they can be read in place: listing
// copies and unpacks nothing of an installer's gigabyte of packages. (libarchive reads a stream and does not tell the
// offsets.) Forms: ustar, GNU long names, and PAX as Python's tarfile writes it.
#pragma once

#include "common/format/table.hpp"
#include "generator/archive/file_source.hpp"

#include <vector>

namespace tinderbox::archive {

struct PlainTarMember {
    std::string path; // relative and normal
    format::EntryKind kind = format::EntryKind::file;
    std::uint16_t mode = 0644;
    std::int64_t mtime = 0; // seconds since 1970
    FileRange content;      // of the file
    std::string link;       // symlink: its target
};

// Reads the headers in `range` of `fd`. Refused (usage, "NAME: …"): a header whose checksum does not match, a member
// that reaches beyond the range, unsafe paths and links, devices, sparse files, a path twice, a member below a
// file or a link, absurd numbers.
Result<std::vector<PlainTarMember>> list_plain_tar(int fd, FileRange range, const std::string& name);

} // namespace tinderbox::archive
