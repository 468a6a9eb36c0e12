// A channel's index in a form that is opened, not parsed: records by name, in a file that is mapped. A solve reads the
// few thousand names that it can reach and leaves the rest on the disk.
//
// The file, little-endian:
//
//   "TBREPO\0\0"  u32 version  u32 CRC-32 of all that follows
//   u64 names, u64 strings, u64 records           counts
//   names   times { u32 offset, u16 length into the text; u64 offset, u32 length, u32 records: its block }   by name
//   strings times { u32 offset, u32 length into the text }     dependencies and the like, each once
//   u64 size of the text, text
//   blocks: of each name, its records, one behind the other:
//     flags u8 (1 .tar.bz2, 2 other file name, 4 SHA-256, 8 MD5, 16 noarch, 32 more), version, build (strings), build
//     number, size, timestamp (varints), [file name], [32 bytes], [16 bytes], depends, [constrains, features, license,
//     site-packages]. A list is a varint count and as many varints: numbers of strings.
//
// It is a cache: a file of another version, or a truncated or damaged one, is ignored, and the index is read anew.
// Rejected: libsolv's .solv, which has no hashes and has to be loaded as a whole. Version history: 1, the first.
#pragma once

#include "common/base/bytes.hpp"
#include "common/base/file.hpp"
#include "generator/conda/record.hpp"

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>

namespace tinderbox::conda {

inline constexpr std::uint32_t repodata_index_version = 1;

class RepodataIndexWriter {
  public:
    Status add(const PackageRecord& record); // error: more than a file can hold
    std::uint64_t records() const { return records_; }
    // Temporary file, then rename.
    Status write(const fs::path& path) const;

  private:
    std::uint32_t intern(std::string_view text);
    void list(ByteWriter& out, const std::vector<std::string_view>& texts);

    struct Name {
        ByteWriter block;
        std::uint32_t records = 0;
    };
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    };
    std::unordered_map<std::string, Name, Hash, std::equal_to<>> names_;
    std::string_view text_of(std::uint32_t number) const;
    std::unordered_map<std::string_view, std::uint32_t> strings_; // views into text_
    // The numbers (+ 1) of strings that were asked for lately, by hash: a record's neighbours have the same
    // dependencies, and strings_ is too large for the processor's caches.
    std::array<std::uint32_t, 32768> recent_{};
    std::vector<std::pair<std::uint32_t, std::uint32_t>> string_places_;
    std::vector<std::unique_ptr<char[]>> text_; // pieces that never move
    std::size_t text_size_ = 0;
    std::uint64_t records_ = 0;
};

// Immutable; records' views are valid as long as it lives. Thread-safe.
class RepodataIndex {
  public:
    // nullopt: there is none, it is of another version, or it is damaged.
    static std::optional<RepodataIndex> open(const fs::path& path);
    RepodataIndex(RepodataIndex&& other) noexcept;
    RepodataIndex& operator=(RepodataIndex&& other) noexcept;
    ~RepodataIndex();

    std::size_t names() const { return names_; }
    std::uint64_t records() const { return records_; }
    std::string_view name(std::size_t index) const; // in order
    // All records of a name; file names that were left away are put together in `file_names`. Error: damaged (storage).
    struct Records {
        std::vector<PackageRecord> records;
        std::vector<std::unique_ptr<std::string>> file_names;
    };
    Result<Records> find(std::string_view name) const;

  private:
    RepodataIndex() = default;
    std::string_view string(std::uint64_t number, ByteReader& reader) const;
    std::optional<std::size_t> position(std::string_view name) const;

    ByteView map_;
    std::size_t names_ = 0, strings_ = 0;
    std::uint64_t records_ = 0;
    ByteView name_table_, string_table_, blocks_;
    std::string_view text_;
};

} // namespace tinderbox::conda
