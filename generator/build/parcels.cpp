#include "generator/build/parcels.hpp"

#include "common/base/optional_reporter.hpp"
#include "generator/assemble/base_files.hpp"
#include "generator/assemble/include.hpp"
#include "generator/conda/package.hpp"
#include "generator/conda/package_info.hpp"
#include "generator/pip/wheel.hpp"

#include <algorithm>

namespace tinderbox::build {
namespace {

using Opened = Result<std::unique_ptr<parcel::Artifact>>;

// conda's records hold the MD5, which a list or a lock need not name; always read, so that one package is one parcel.
conda::OpenOptions conda_options(const std::string& file_name) {
    conda::OpenOptions out;
    out.name = file_name;
    out.with_md5 = true;
    return out;
}

Opened open_extracted(const fs::path& installer, const conda::ConstructorPackage& package, bool info) {
    TRY_ASSIGN(TemporaryDirectory directory, TemporaryDirectory::make(cache_directory()));
    TRY_ASSIGN(fs::path file, conda::extract_constructor_package(installer, package, directory.path()));
    const conda::OpenOptions options = conda_options(package.file_name);
    return info ? conda::open_info(file, options) : conda::open_package(file, options);
}

parcel::PackOptions pack_options(const Options& options, std::int64_t source_mtime) {
    parcel::PackOptions out;
    out.level = options.level;
    out.source_mtime = source_mtime;
    out.threads = options.jobs;
    return out;
}

} // namespace

parcel::ParcelCache parcel_cache() { return parcel::ParcelCache(cache_directory() / "parcels"); }

Parcels::Parcels(const Options& options, std::int64_t source_mtime, Reporter* reporter)
    : reporter_(reporter_or_silent(reporter)), cache_(parcel_cache()), options_(pack_options(options, source_mtime)),
      keys_(options_) {
    options_.progress = [this](std::uint64_t bytes) { packed_ += bytes; };
}

void Parcels::announce(const std::string& key, std::uint64_t size) {
    if (!cache_.has(key) && announced_.emplace(key, size).second) total_ += size;
}

std::uint64_t Parcels::done() const {
    const std::uint64_t contents = contents_, packed = std::min(packed_.load(), contents);
    const double share = contents == 0 ? 0 : static_cast<double>(packed) / static_cast<double>(contents);
    return std::min(total_, before_ + static_cast<std::uint64_t>(static_cast<double>(size_) * share));
}

Result<parcel::Parcel> Parcels::get(const std::string& key, const OpenArtifact& open) {
    const auto announced = announced_.find(key);
    const std::uint64_t size = announced == announced_.end() ? 0 : announced->second;
    auto counted = [&]() -> Opened {
        TRY_ASSIGN(auto artifact, open());
        std::uint64_t contents = 0;
        for (const parcel::Entry& entry : artifact->entries()) contents += entry.size;
        packed_ = 0;
        contents_ = contents;
        size_ = size;
        return artifact;
    };
    auto parcel = cache_.get(key, options_, counted);
    size_ = contents_ = 0;
    if (size > 0) announced_.erase(announced);
    before_ += size;
    return parcel;
}

Result<parcel::Parcel> Parcels::wheel(const std::string& sha256, const fs::path& file, const std::string& file_name) {
    return get(keys_.artifact(parcel::ArtifactKind::wheel, sha256), [&] {
        pip::WheelOptions wheel;
        wheel.file_name = file_name;
        return pip::open_wheel(file, wheel);
    });
}

Result<parcel::Parcel> Parcels::conda_package(const std::string& sha256, const fs::path& file,
                                              const std::string& file_name) {
    return get(keys_.artifact(parcel::ArtifactKind::conda, sha256),
               [&] { return conda::open_package(file, conda_options(file_name)); });
}

Result<parcel::Parcel> Parcels::captured(const lock::CapturedSource& source,
                                         std::unique_ptr<parcel::Artifact> artifact) {
    return get(keys_.artifact(parcel::artifact_kind(source.kind), source.sha256),
               [&]() -> Opened { return std::move(artifact); });
}

Result<parcel::Parcel> Parcels::include(const lock::LockedInclude& include, const std::string& environment) {
    return get(keys_.include(include.sha256, include.destination, include.in_prefix ? "" : environment),
               [&] { return assemble::open_include(include, environment, reporter_); });
}

Result<parcel::Parcel> Parcels::base_package(const std::string& sha256, const fs::path& installer,
                                             const conda::ConstructorPackage& package) {
    return get(keys_.artifact(parcel::ArtifactKind::conda, sha256),
               [&] { return open_extracted(installer, package, false); });
}

Result<parcel::Parcel> Parcels::base_package_info(const std::string& sha256, const fs::path& installer,
                                                  const conda::ConstructorPackage& package) {
    return get(keys_.conda_info(sha256), [&] { return open_extracted(installer, package, true); });
}

Result<parcel::Parcel> Parcels::base_files(const std::string& sha256, const fs::path& installer,
                                           const conda::ConstructorInstaller& contents) {
    return get(keys_.base_files(sha256), [&] { return assemble::open_base_files(installer, contents); });
}

} // namespace tinderbox::build
