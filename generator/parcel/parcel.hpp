// Parcels: the object files of this linker. One artifact, compressed once, position-independent, with
// relocation records, cached by its key (key.hpp).
//
// On disk (in <cache>/parcels/KK/KEY/): `payload` (blocks, in any order) and `index` (zstd frame of: magic, version,
// encoded Table, metadata JSON, summary). Written to a temporary name, fsynced, renamed: a reader sees a whole one.
#pragma once

#include "common/base/file.hpp"
#include "common/format/table.hpp"
#include "generator/elf/fatbin.hpp"
#include "generator/parcel/artifact.hpp"
#include "generator/parcel/artifact_kind.hpp"
#include "generator/parcel/level.hpp"

namespace tinderbox::parcel {

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
    format::Table table; // symbolic roots; block offsets count from the payload's first byte
    nlohmann::json metadata;
    std::vector<FileMismatch> mismatches; // content that differs from the artifact's own metadata
    fs::path payload_path;
    std::uint64_t payload_size = 0;
    // Facts gathered while packing, so that gigabytes are not read twice: for each ELF file the facts that preflight
    // needs.
    struct ElfFact {
        std::string path; // symbolic path as in the table
        format::Root root = format::Root::env;
        std::string glibc; // highest GLIBC_x.y version needed
        std::string soname;
        std::vector<std::string> needed, runpath;
        std::string machine;                   // "x86-64", "aarch64", …
        std::optional<elf::FatbinInfo> device; // its device code for GPUs
    };
    std::vector<ElfFact> elf;

    ArtifactKind kind() const; // of its metadata
};

// Packs an artifact into `directory` (which must not exist). The same artifact, level and version give the same table
// and the same block bytes for any number of threads. Thread-safe for different directories. Errors: those of the
// artifact's contents, storage (writing), usage (a file with a prefix that is too large to relocate).
Result<Parcel> pack(const Artifact& artifact, std::string key, const PackOptions& options, const fs::path& directory);
// Thread-safe. Errors: damaged (to be packed again), storage (reading).
Result<Parcel> open_parcel(const fs::path& directory);

// Parcels by their keys (key.hpp). Thread-safe, also between processes.
class ParcelCache {
  public:
    explicit ParcelCache(fs::path root);                              // <cache>/parcels
    Result<std::optional<Parcel>> find(const std::string& key) const; // a damaged entry is removed and not found
    bool has(const std::string& key) const;                           // by its name alone: it may be damaged
    // Packs under a lock for this key: of two processes one packs, the other waits and opens.
    Result<Parcel> get(const std::string& key, const PackOptions& options,
                       const std::function<Result<std::unique_ptr<Artifact>>()>& open_artifact);

  private:
    fs::path root_;
};

} // namespace tinderbox::parcel
