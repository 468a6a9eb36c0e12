// The table: places of contents in a file, and the destinations that they become.
//
// One structure serves twice. In a parcel (one artifact, compressed once, kept in the cache) destinations
// are symbolic (root + path) and block offsets count from the parcel's payload. In NAME.run (the file
// table) the linker has concatenated the parcels: every root is a prefix (`env` or `base`), paths are
// final, block offsets count from the start of the logical .run.
//
//     Destination ──▶ Content ──▶ Block … Block      (a large content spans whole consecutive blocks,
//                                                      small contents share a block)
//
// docs/inside/format.md describes the bytes of encode() and decode_table(); table_version is their version. Functions
// are thread-safe.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/hash.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace tinderbox::format {

inline constexpr std::uint32_t table_version = 2; // of a table with inherited contents; all others are version 1

// Bytes: the largest raw size of a block, and the largest content with relocations, which lies whole in one block.
inline constexpr std::uint32_t block_raw_size = 4u << 20;
inline constexpr std::uint32_t relocated_content_limit = 256u << 20;
// From this size in bytes on, a content without relocations is "large". It shares no block, its blocks start at
// multiples of 4 KiB in a .run, and they are written past the page cache.
inline constexpr std::uint64_t large_content_size = 1u << 20;

// Where a destination's path starts. Only `env`, `base` and further environments appear in a .run.
enum class Root : std::uint8_t {
    env = 0,           // the environment's prefix
    base = 1,          // the base conda's prefix (the environment then lies in envs/NAME below it)
    site_packages = 2, // purelib and platlib: the target Python's site-packages
    scripts = 3,       // bin
    data = 4,          // a wheel's .data/data: the prefix
    headers = 5,       // include/pythonX.Y/NAME
    stdlib = 6,        // lib/pythonX.Y
    further = 16,      // 16 + n: BaseInfo::environments[n] of the manifest, in envs/ITS_NAME of the base's prefix
};

inline constexpr std::size_t further_environments_limit = 200;
constexpr Root further_environment(std::size_t n) {
    return static_cast<Root>(static_cast<std::size_t>(Root::further) + n);
}
// Whether a .run may have the root; and whether the root belongs to the base, and is installed only with it.
constexpr bool is_prefix(Root root) { return root == Root::env || root == Root::base || root >= Root::further; }
constexpr bool is_of_base(Root root) { return root == Root::base || root >= Root::further; }
// The order of prefixes in lists: the environment's, the base's, those of further environments.
constexpr std::size_t prefix_index(Root root) {
    return root >= Root::further ? 2 + static_cast<std::size_t>(root) - static_cast<std::size_t>(Root::further)
           : root == Root::base  ? 1
                                 : 0;
}
constexpr Root root_of_prefix(std::size_t index) {
    return index < 2 ? static_cast<Root>(index) : further_environment(index - 2);
}

enum class EntryKind : std::uint8_t { file = 0, directory = 1, symlink = 2 };

// Relocations of one content, applied while a destination is written, never shared between prefixes.
// Offsets are in the original content. Records are sorted by offset and do not overlap.
enum class RelocKind : std::uint8_t {
    text = 0,          // [offset, offset+length) is the old prefix: replaced by the new one
    cstring = 1,       // [offset, offset+length) is a NUL-terminated string's bytes from the first occurrence of the
                       // old prefix to just before its NUL (or the end of the file); every occurrence of `text` in it
                       // is replaced, NULs pad it to `length`. New prefix longer than `text`: an error before writing.
    shebang = 2,       // [offset, offset+length) is the whole first line without "\n"; it becomes `text`, in which
                       // every `placeholder` byte '\x01' stands for the new prefix. Too long (127 bytes) or with a
                       // space in the interpreter: the /bin/sh exec form of docs/inside/installer-formats.md §2.
    digest_hex = 3,    // [offset, offset+length) becomes the hex SHA-256 of destination `target` as installed
    digest_b64url = 4, // the same, URL-safe base64 without padding (wheel RECORD)
    size_decimal = 5,  // the size of destination `target` as installed, decimal (wheel RECORD)
};

struct Reloc {
    RelocKind kind = RelocKind::text;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::string text;         // cstring: the old prefix. shebang: the new line, '\x01' for the prefix
    std::uint32_t target = 0; // digest_*, size_decimal: index into Table::destinations
    bool operator==(const Reloc&) const = default;
};

struct Block {
    std::uint64_t offset = 0; // of its compressed bytes
    std::uint32_t packed = 0; // compressed bytes (one zstd frame; or stored: packed == raw and `stored`)
    std::uint32_t raw = 0;    // bytes after decompression, ≤ block_raw_size unless it holds one relocated content
    bool stored = false;
    Sha256Digest sha256{}; // over the compressed bytes
    bool operator==(const Block&) const = default;
};

struct Content {
    // An update leaves its bytes out: the environment that it is for has them, at each path where this one has them.
    bool inherited = false;   // then it has no block
    std::uint32_t block = 0;  // the first block
    std::uint32_t offset = 0; // in that block's raw bytes; 0 when it spans several blocks
    std::uint64_t size = 0;   // an empty content uses no block
    Sha256Digest sha256{};    // before relocation
    std::vector<Reloc> relocs;
    bool operator==(const Content&) const = default;
};

enum DestinationFlags : std::uint8_t {
    destination_none = 0,
    destination_bytecode = 1,       // a .pyc: may be dropped and compiled again
    destination_generated = 2,      // written by Tinderbox, not part of an artifact (entry points, RECORD, conda-meta)
    destination_shared = 4,         // may be one inode with other such destinations of the same content, mode and time
    destination_unless_root = 8,    // only where the installing user is not root
    destination_package_cache = 16, // only where the base's package cache is kept
};

struct Destination {
    Root root = Root::env;
    EntryKind kind = EntryKind::file;
    std::uint8_t flags = destination_none;
    std::uint16_t mode = 0644; // permission bits only, no setuid/setgid
    std::int64_t mtime = 0;    // seconds since 1970; the lock's source mtime where pip and conda would set none
    std::string path;          // relative, normalised, valid UTF-8 not required
    std::string link;          // symlink: its target, verbatim; an absolute one starts with '\x01' for the prefix
    std::uint32_t content = 0; // file: index into Table::contents
    std::uint32_t package = 0; // .run: index into the manifest's packages; parcel: 0
    bool operator==(const Destination&) const = default;
};

struct Table {
    std::vector<Block> blocks;
    std::vector<Content> contents;
    std::vector<Destination> destinations;
    bool operator==(const Table&) const = default;
};

// Little-endian, delta-coded, not compressed (callers compress it as one zstd frame).
Bytes encode(const Table& table);

// Checks everything that readers rely on: indexes in range, contents inside their blocks, relocations sorted and
// inside their content, each entry as check_entry() wants it, no link out of its prefix, digest cycles refused.
// Errors are of kind `damaged`.
Result<Table> decode_table(ByteView bytes);

// Whether names differ only in case: legal (ncurses has them), but not on every file system.
bool names_differ_in_case(const Table& table);

// How many raw blocks a content spans, starting with content.block.
std::uint32_t block_count(const Table& table, const Content& content);

bool has_inherited(const Table& table);

} // namespace tinderbox::format
