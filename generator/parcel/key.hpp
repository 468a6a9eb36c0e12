// The key of every parcel. Packing a parcel and finding it in the cache need the same key, so both get it here.
//
// A key is the SHA-256 of pack version, table version, artifact hash, level, and everything else that decides the
// parcel's content: the version of the reader of its kind, the mtime of entries that have none, destinations, Pythons.
#pragma once

#include "generator/parcel/parcel.hpp"

#include <string>
#include <string_view>

namespace tinderbox::parcel {

// Versions of the readers. Raise one when its reader gives other entries or other metadata for the same artifact.
inline constexpr int conda_reader_version = 3; // generator/conda/package
inline constexpr int conda_info_version = 1;   // generator/conda/package_info, beside conda_reader_version
inline constexpr int base_files_version = 2;   // generator/assemble/base_files
inline constexpr int bytecode_version = 1;     // generator/assemble/bytecode

// The keys of one build. Immutable, so thread-safe. Hashes are hex SHA-256 in either case.
class ParcelKeys {
  public:
    ParcelKeys(Level level, std::int64_t source_mtime) : level_(level), source_mtime_(source_mtime) {}
    explicit ParcelKeys(const PackOptions& options) : ParcelKeys(options.level, options.source_mtime) {}

    // A wheel, a conda package, a captured Python or prefix.
    std::string artifact(ArtifactKind kind, std::string_view sha256) const;
    // info/ of the conda package with this hash.
    std::string conda_info(std::string_view package_sha256) const;
    std::string base_files(std::string_view installer_sha256) const;
    // `environment` is the directory below share/; "" when the destination is relative to the prefix.
    std::string include(std::string_view sha256, std::string_view destination, std::string_view environment) const;
    // `sources` is the key of the parcel that is compiled; `interpreter` the joined keys of the Python's own parcels.
    std::string bytecode(std::string_view sources, std::string_view interpreter, std::string_view cache_tag) const;

  private:
    std::string key(std::string_view artifact_sha256, std::string_view variant) const;

    Level level_;
    std::int64_t source_mtime_; // seconds since 1970
};

} // namespace tinderbox::parcel
