// Reading zip archives (wheels, .conda) through their central directory, bounds-checked.
//
// Spec: PKWARE APPNOTE 6.3 (EOCD, zip64, data descriptors, general purpose flags), PEP 427. Stricter than most
// readers on purpose: two programs must not be able to see two different archives in one file. So
//   - the end record's comment ends with the file, and the central directory ends where the end records begin
//     (bytes appended or put in front are refused);
//   - every local header says what the central directory says, and no two members overlap;
//   - a name occurs once, or several times with the same bytes (then it is listed once);
//   - names are valid, relative and normal (safe_relative_path); encrypted, split and patched archives are refused.
// Errors are of kind `usage` and read "ARTIFACT: …" or "ARTIFACT:MEMBER: …"; I/O errors are of kind `storage`.
#pragma once

#include "common/base/budget.hpp"
#include "common/base/file.hpp"
#include "common/format/table.hpp"
#include "generator/archive/byte_source.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tinderbox::archive {

// Of the central directory; members and the directories in which they lie; components of a path. The largest packages
// have some hundred thousand files.
inline constexpr Budget zip_budget{.bytes = 64u << 20, .nodes = 700'000, .depth = 256};

enum class ZipMethod : std::uint16_t { stored = 0, deflate = 8, zstd = 93 };

struct ZipMember {
    std::string path; // relative, normal, UTF-8 (names without the UTF-8 flag are code page 437), no trailing '/'
    format::EntryKind kind = format::EntryKind::file; // symlink: its target is the content
    ZipMethod method = ZipMethod::stored;
    std::uint16_t mode = 0; // Unix st_mode's low 12 bits; 0 when the archive was not made on Unix
    bool regular = false;   // st_mode says "regular file" (pip honours exec bits of those only)
    std::int64_t mtime = 0; // the DOS time taken as UTC, seconds since 1970
    std::uint32_t crc32 = 0;
    std::uint64_t compressed = 0;  // bytes in the archive
    std::uint64_t size = 0;        // bytes after decompression
    std::uint64_t data_offset = 0; // of the compressed bytes, from the start of the file
};

// Thread-safe after open(): members may be opened and read concurrently; each read is a pread.
class ZipReader : public std::enable_shared_from_this<ZipReader> {
  public:
    // Errors call the archive `name`; "" = the file's name.
    static Result<std::shared_ptr<const ZipReader>> open(const fs::path& path, std::string name = {});

    // In the order of the central directory.
    std::span<const ZipMember> members() const { return members_; }
    const ZipMember* find(std::string_view path) const; // nullptr when there is none
    const std::string& name() const { return name_; }
    const fs::path& path() const { return path_; }

    // The whole content, decompressed and checked (size, CRC-32). More than `limit` bytes is an error.
    Result<Bytes> read(const ZipMember& member, std::uint64_t limit = 64u << 20) const;
    // Sequential reading; the last read fails when size or CRC-32 do not fit. The source keeps this reader alive.
    Result<std::unique_ptr<ByteSource>> open_member(const ZipMember& member) const;
    // The bytes as they lie in the archive: equals the content of a stored member.
    Result<std::unique_ptr<ByteSource>> open_raw(const ZipMember& member) const;

  private:
    friend class ZipLoader;
    ZipReader() = default;
    fs::path path_;
    std::string name_;
    Fd fd_;
    std::uint64_t file_size_ = 0;
    std::vector<ZipMember> members_;
    std::vector<std::uint32_t> by_path_; // indexes into members_, sorted by path
};

} // namespace tinderbox::archive
