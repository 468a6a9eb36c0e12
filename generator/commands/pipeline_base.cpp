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
        return make_error(
            ErrorKind::usage,
            "{}: it installs a conda for {}, and the environment is for {}; take the installer of that platform, "
            "or write --platform {}",
            base.file_name, installer_->platform, lock_.platform, installer_->platform);
    base.kind = base_kind(installer_->name);
    base.version = installer_->version;
    for (const std::string& warning : installer_->warnings) Terminal::get().warning(base.file_name + ": " + warning);
    if (installer_->environments.size() > further_environments_limit)
        return make_error(ErrorKind::usage,
                          "{}: it has {} further environments, and {} is the most that can be taken over",
                          base.file_name, installer_->environments.size(), further_environments_limit);
    for (const ConstructorEnvironment& environment : installer_->environments)
        if (environment.name == lock_.name)
            return make_error(ErrorKind::usage,
                              "{}: it brings an environment '{}' of its own; give yours another name with --name",
                              base.file_name, environment.name);
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
    TRY_ASSIGN(auto bytes, open_file_range(base_file_.path, lock_.base->file_name + ":" + package.file_name,
                                           package.offset, package.size));
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
    return cache.get(
        ParcelCache::key(sha256, pack.level, conda_variant(info)), pack, [&]() -> Result<std::unique_ptr<Artifact>> {
            TRY_ASSIGN(TemporaryDirectory directory, TemporaryDirectory::make(cache_directory()));
            TRY_ASSIGN(fs::path file, extract_constructor_package(base_file_.path, package, directory.path()));
            CondaOpenOptions conda;
            conda.name = package.file_name;
            conda.with_md5 = true;
            return info ? open_conda_info(file, conda) : open_conda_package(file, conda);
        });
}

// Its info/ comes along once, for the package cache.
Status Pipeline::pack_base_package(std::size_t index, Root root) {
    const ConstructorPackage& package = installer_->packages[index];
    auto [known, first] = base_artifacts_.try_emplace(index);
    if (first) {
        TRY_ASSIGN(known->second, base_artifact(package));
    }
    LinkInput input, info;
    input.root = info.root = root;
    input.artifact = info.artifact = &known->second;
    input.repodata_record = package.repodata_record;
    info.info_of = inputs_.size();
    TRY_ASSIGN(input.parcel, base_parcel(package, known->second.sha256, false));
    inputs_.push_back(std::move(input));
    if (!first) return {};
    TRY_ASSIGN(info.parcel, base_parcel(package, known->second.sha256, true));
    inputs_.push_back(std::move(info));
    Terminal::get().progress("packing the base", base_artifacts_.size(), installer_->packages.size(), "packages");
    return {};
}

Status Pipeline::pack_base() {
    for (std::size_t i = 0; i < installer_->base_count; ++i) TRY(pack_base_package(i, Root::base));
    for (std::size_t n = 0; n < installer_->environments.size(); ++n)
        for (std::size_t i : installer_->environments[n].packages) TRY(pack_base_package(i, further_environment(n)));
    ParcelCache cache(cache_directory() / "parcels");
    const PackOptions pack = pack_options();
    LinkInput files;
    files.root = Root::base;
    const std::string key =
        ParcelCache::key(lock_.base->sha256, pack.level, fmt::format("base files 2 mtime {}", lock_.source_mtime));
    TRY_ASSIGN(files.parcel, cache.get(key, pack, [&] { return open_base_files(base_file_.path, *installer_); }));
    inputs_.push_back(std::move(files));
    TRY_ASSIGN(PythonInfo python, find_python(inputs_, Root::base));
    base_.emplace(BaseLink{*installer_, *lock_.base, std::move(python), {}});
    for (std::size_t n = 0; n < installer_->environments.size(); ++n) {
        FurtherEnvironment environment{installer_->environments[n].name, {}};
        TRY_ASSIGN(environment.python, find_conda_python(inputs_, further_environment(n)));
        base_->environments.push_back(std::move(environment));
    }
    return {};
}

} // namespace tinderbox
