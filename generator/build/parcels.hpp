// The parcels of one build: each artifact is opened and packed with the build's settings, or taken from the cache.
#pragma once

#include "common/base/reporter.hpp"
#include "generator/build/options.hpp"
#include "generator/conda/constructor.hpp"
#include "generator/parcel/key.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

namespace tinderbox::build {

parcel::ParcelCache parcel_cache();

class Parcels {
  public:
    // `source_mtime`: the time of files that have none of their own, in seconds since 1970. `reporter` gets what
    // reading an artifact has to say; null: nobody does. Not owned.
    Parcels(const Options& options, std::int64_t source_mtime, Reporter* reporter = nullptr);
    Parcels(const Parcels&) = delete;
    Parcels& operator=(const Parcels&) = delete;

    parcel::ParcelCache& cache() { return cache_; }
    const parcel::PackOptions& options() const { return options_; }
    const parcel::ParcelKeys& keys() const { return keys_; }

    // Progress, in bytes of artifacts: what is known before they are opened. Each that will be asked for is announced
    // before the first is packed; those in the cache do not count.
    void announce(const std::string& key, std::uint64_t size);
    std::uint64_t done() const; // from any thread
    std::uint64_t total() const { return total_; }

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
    std::map<std::string, std::uint64_t> announced_; // bytes by key
    // Of the artifact that is being packed: its announced bytes, those of its contents, and the contents packed so far.
    std::atomic<std::uint64_t> size_ = 0, contents_ = 0, packed_ = 0;
    std::atomic<std::uint64_t> before_ = 0; // announced bytes of the artifacts that are finished
    std::uint64_t total_ = 0;
};

} // namespace tinderbox::build
