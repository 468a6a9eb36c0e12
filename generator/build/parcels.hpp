// The parcels of one build: each artifact is opened and packed with the build's settings, or taken from the cache.
#pragma once

#include "common/base/reporter.hpp"
#include "generator/build/options.hpp"
#include "generator/conda/constructor.hpp"
#include "generator/parcel/key.hpp"

#include <atomic>

namespace tinderbox::build {

parcel::ParcelCache parcel_cache();

class Parcels {
  public:
    // `source_mtime`: the time of files that have none of their own, in seconds since 1970. `reporter` gets the number
    // of packed bytes; null: no reports. Not owned.
    Parcels(const Options& options, std::int64_t source_mtime, Reporter* reporter = nullptr);
    Parcels(const Parcels&) = delete;
    Parcels& operator=(const Parcels&) = delete;

    parcel::ParcelCache& cache() { return cache_; }
    const parcel::PackOptions& options() const { return options_; }

    // Errors: usage (a damaged or hostile artifact), storage.
    Result<parcel::Parcel> wheel(const std::string& sha256, const fs::path& file, const std::string& file_name);
    Result<parcel::Parcel> conda_package(const std::string& sha256, const fs::path& file, const std::string& file_name);
    Result<parcel::Parcel> captured(const lock::CapturedSource& source, std::unique_ptr<parcel::Artifact> artifact);
    Result<parcel::Parcel> include(const lock::LockedInclude& include, const std::string& environment);
    // From the .sh at `installer`: a package, its info/ (for the package cache), and the installer's own files.
    Result<parcel::Parcel> base_package(const std::string& sha256, const fs::path& installer,
                                        const conda::ConstructorPackage& package);
    Result<parcel::Parcel> base_package_info(const std::string& sha256, const fs::path& installer,
                                             const conda::ConstructorPackage& package);
    Result<parcel::Parcel> base_files(const std::string& sha256, const fs::path& installer,
                                      const conda::ConstructorInstaller& contents);

  private:
    using OpenArtifact = std::function<Result<std::unique_ptr<parcel::Artifact>>()>;
    Result<parcel::Parcel> get(const std::string& key, const OpenArtifact& open);

    Reporter& reporter_;
    parcel::ParcelCache cache_;
    parcel::PackOptions options_;
    parcel::ParcelKeys keys_;
    std::atomic<std::uint64_t> packed_ = 0;
};

} // namespace tinderbox::build
