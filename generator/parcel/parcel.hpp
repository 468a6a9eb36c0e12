// Parcels: the object files of this linker. One artifact, compressed once, position-independent, with
// relocation records, cached by (artifact hash, level, format version).
//
// On disk (in <cache>/parcels/KK/KEY/): `payload` (blocks, in any order) and `index` (zstd frame of: magic, version,
// encoded Table, metadata JSON, summary). Written to a temporary name, fsynced, renamed: a reader sees a whole one.
#pragma once

#include "common/base/file.hpp"
#include "common/format/table.hpp"
#include "generator/parcel/artifact.hpp"
#include "generator/parcel/fatbin.hpp"

namespace tinderbox {

enum class Level : std::uint8_t { fast, standard, max };

struct PackOptions {
    Level level = Level::standard;
    std::int64_t source_mtime = 0; // for entries with mtime -1
    unsigned threads = 0;          // 0 = all cores
    // Bytes of content packed since the last call; called from several threads.
    std::function<void(std::uint64_t)> progress;
};

struct FileMismatch {
    std::string path, declared, found; // hex SHA-256
};

// An opened parcel: the index in memory, the payload open for reading.
struct Parcel {
    std::string key;
    Table table; // symbolic roots; block offsets count from the payload's first byte
    nlohmann::json metadata;
    std::vector<FileMismatch> mismatches; // content that differs from what the artifact itself declares
    fs::path payload_path;
    std::uint64_t payload_size = 0;
    // Facts gathered while packing (no second pass over gigabytes): per ELF file what preflight must know.
    struct ElfFact {
        std::string path; // symbolic path as in the table
        Root root = Root::env;
        std::string glibc; // highest GLIBC_x.y version needed
        std::string soname;
        std::vector<std::string> needed, runpath;
        std::string machine;              // "x86-64", "aarch64", …
        std::optional<FatbinInfo> device; // its code for GPUs
    };
    std::vector<ElfFact> elf;
};

// Packs an artifact into `directory` (which must not exist). Same artifact, level and version: the same table
// and the same block bytes, whatever the number of threads.
Result<Parcel> pack(const Artifact& artifact, std::string key, const PackOptions& options, const fs::path& directory);
Result<Parcel> open_parcel(const fs::path& directory);

// What a parcel depends on besides its artifact and the level, as part of its key.
std::string parcel_variant(std::int64_t source_mtime);

class ParcelCache {
  public:
    explicit ParcelCache(fs::path root); // <cache>/parcels
    static std::string key(std::string_view artifact_sha256, Level level, std::string_view variant);
    Result<std::optional<Parcel>> find(const std::string& key) const; // a damaged entry is removed and not found
    // Packs under a lock for this key: of two processes one packs, the other waits and opens.
    Result<Parcel> get(const std::string& key, const PackOptions& options,
                       const std::function<Result<std::unique_ptr<Artifact>>()>& open_artifact);

  private:
    fs::path root_;
};

} // namespace tinderbox
