// The conda at PREFIX: its installer is read, its packages become parcels like those of any channel.
#include "generator/commands/pipeline.hpp"

#include "common/base/terminal.hpp"
#include "common/base/url.hpp"
#include "generator/assemble/base_files.hpp"
#include "generator/conda/names.hpp"
#include "generator/conda/package_info.hpp"
#include "generator/lock/base.hpp"
#include "generator/parcel/file_source.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox {

Download Pipeline::base_download() const {
    const LockedBase& base = *lock_.base;
    return {base.source.empty() ? base.url : base.source, base.file_name, base.sha256, "", base.size};
}

Status Pipeline::fetch_base() {
    TRY_ASSIGN(auto files, fetcher_->fetch({base_download()}));
    base_file_ = std::move(files.front());
    return read_base();
}

Status Pipeline::read_base() {
    LockedBase& base = *lock_.base;
    base.sha256 = base_file_.sha256;
    base.size = base_file_.size;
    ConstructorReadOptions read;
    read.name = base.file_name;
    TRY_ASSIGN(installer_, read_constructor(base_file_.path, read));
    if (installer_->platform != lock_.platform)
        return make_error(ErrorKind::usage, "{}: it installs a conda for {}, and the environment is for {}; take the installer of that platform, "
                                            "or write --platform {}",
                          base.file_name, installer_->platform, lock_.platform, installer_->platform);
    base.kind = base_kind(installer_->name);
    base.version = installer_->version;
    for (const std::string& warning : installer_->warnings) Terminal::get().warning(base.file_name + ": " + warning);
    for (const ConstructorEnvironment& environment : installer_->environments)
        Terminal::get().warning(fmt::format("{}: its further environment '{}' is not taken over; name its packages in the request",
                                            base.file_name, environment.name));
    return {};
}

// Keyed by its own hash, a package of the base is the same parcel as one from a channel.
Result<LockedArtifact> Pipeline::base_artifact(const ConstructorPackage& package) const {
    LockedArtifact out;
    out.kind = "conda";
    TRY_ASSIGN(CondaFileName name, parse_conda_file_name(package.file_name).in(lock_.base->file_name));
    out.name = name.name;
    out.version = name.version;
    out.build = name.build;
    out.file_name = package.file_name;
    out.url = without_credentials(package.url);
    out.md5 = package.md5;
    out.size = package.size;
    TRY_ASSIGN(auto bytes, open_file_range(base_file_.path, lock_.base->file_name + ":" + package.file_name, package.offset, package.size));
    Sha256 hash;
    Bytes piece(1u << 20);
    for (;;) {
        TRY_ASSIGN(std::size_t n, bytes->read(piece));
        if (n == 0) break;
        hash.update(ByteView(piece).first(n));
    }
    out.sha256 = to_hex(hash.finish());
    return out;
}

Result<Parcel> Pipeline::base_parcel(const ConstructorPackage& package, const std::string& sha256, bool info) {
    ParcelCache cache(cache_directory() / "parcels");
    const PackOptions pack = pack_options();
    return cache.get(ParcelCache::key(sha256, pack.level, conda_variant(info)), pack, [&]() -> Result<std::unique_ptr<Artifact>> {
        TRY_ASSIGN(TemporaryDirectory directory, TemporaryDirectory::make(cache_directory()));
        TRY_ASSIGN(fs::path file, extract_constructor_package(base_file_.path, package, directory.path()));
        CondaOpenOptions conda;
        conda.name = package.file_name;
        conda.with_md5 = true;
        return info ? open_conda_info(file, conda) : open_conda_package(file, conda);
    });
}

Status Pipeline::pack_base() {
    for (std::size_t i = 0; i < installer_->base_count; ++i) {
        const ConstructorPackage& package = installer_->packages[i];
        TRY_ASSIGN(LockedArtifact artifact, base_artifact(package));
        base_artifacts_.push_back(std::move(artifact));
        LinkInput input, info;
        input.root = info.root = Root::base;
        input.artifact = info.artifact = &base_artifacts_.back();
        input.repodata_record = package.repodata_record;
        info.info_of = inputs_.size();
        TRY_ASSIGN(input.parcel, base_parcel(package, input.artifact->sha256, false));
        TRY_ASSIGN(info.parcel, base_parcel(package, input.artifact->sha256, true));
        inputs_.push_back(std::move(input));
        inputs_.push_back(std::move(info));
        Terminal::get().progress("packing the base", i + 1, installer_->base_count, "packages");
    }
    ParcelCache cache(cache_directory() / "parcels");
    const PackOptions pack = pack_options();
    LinkInput files;
    files.root = Root::base;
    const std::string key = ParcelCache::key(lock_.base->sha256, pack.level, fmt::format("base files 1 mtime {}", lock_.source_mtime));
    TRY_ASSIGN(files.parcel, cache.get(key, pack, [&] { return open_base_files(base_file_.path, *installer_); }));
    inputs_.push_back(std::move(files));
    TRY_ASSIGN(PythonInfo python, find_python(inputs_, Root::base));
    base_.emplace(BaseLink{*installer_, *lock_.base, std::move(python)});
    return {};
}

} // namespace tinderbox
