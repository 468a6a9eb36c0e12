// Writes the files of a parcel as an installer would.
#pragma once

#include "common/format/relocate.hpp"
#include "common/format/run_file.hpp"
#include "generator/parcel/parcel.hpp"

#include <sys/stat.h>

#include <fcntl.h>
#include <unistd.h>

namespace tinderbox::test {

inline Result<Bytes> content_bytes(const parcel::Parcel& parcel, const format::Content& content) {
    TRY_ASSIGN(Fd fd, open_file(parcel.payload_path, O_RDONLY));
    Bytes out;
    std::size_t skip = content.offset;
    for (std::uint32_t b = content.block; out.size() < content.size; ++b) {
        const format::Block& block = parcel.table.blocks.at(b);
        Bytes packed(block.packed), raw(block.raw);
        TRY(read_exact_at(fd.get(), packed, block.offset, "payload"));
        TRY(format::unpack_block(block, packed, raw));
        const std::size_t n = std::min<std::size_t>(raw.size() - skip, content.size - out.size());
        out.insert(out.end(), raw.begin() + static_cast<std::ptrdiff_t>(skip),
                   raw.begin() + static_cast<std::ptrdiff_t>(skip + n));
        skip = 0;
    }
    if (sha256(out) != content.sha256) return make_error(ErrorKind::bug, "a content's hash does not match");
    return out;
}

// Writes every destination below `root_of(d)`, relocated for `prefix` (no relocation when it is empty).
inline Status unpack(const parcel::Parcel& parcel, const std::function<fs::path(const format::Destination&)>& root_of,
                     std::string_view prefix = "") {
    std::vector<Bytes> contents;
    std::uint32_t last = UINT32_MAX;
    Bytes bytes;
    for (const format::Destination& d : parcel.table.destinations) {
        const fs::path path = root_of(d) / d.path;
        TRY(make_directories(d.kind == format::EntryKind::directory ? path : path.parent_path()));
        if (d.kind == format::EntryKind::symlink && ::symlink(d.link.c_str(), path.c_str()) != 0)
            return errno_error("symlink", errno);
        if (d.kind != format::EntryKind::file) continue;
        const format::Content& content = parcel.table.contents.at(d.content);
        if (d.content != last) {
            TRY_ASSIGN(bytes, test::content_bytes(parcel, content));
            last = d.content;
        }
        Bytes relocated = bytes;
        if (!prefix.empty()) {
            TRY_ASSIGN(relocated, format::apply_relocations(bytes, content.relocs, prefix));
        }
        TRY_ASSIGN(Fd fd, open_file(path, O_WRONLY | O_CREAT | O_EXCL, d.mode));
        TRY(write_exact(fd.get(), relocated, path.string()));
    }
    return {};
}

} // namespace tinderbox::test
