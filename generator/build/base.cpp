#include "generator/build/base.hpp"

#include "common/base/hash_file.hpp"
#include "common/base/url.hpp"
#include "common/format/table.hpp"
#include "generator/conda/names.hpp"
#include "generator/lock/base.hpp"

#include <fcntl.h>

namespace tinderbox::build {
namespace {

Status check_platform(const conda::ConstructorInstaller& installer, const std::string& file_name,
                      const std::string& platform) {
    if (installer.platform != platform)
        return make_error(
            ErrorKind::usage,
            "{}: it installs a conda for {}, and the environment is for {}; take the installer of that platform, "
            "or write --platform {}",
            file_name, installer.platform, platform, installer.platform);
    return {};
}

Status check_environments(const conda::ConstructorInstaller& installer, const lock::Lock& lock) {
    const std::string& file_name = lock.base->file_name;
    if (installer.environments.size() > format::further_environments_limit)
        return make_error(ErrorKind::usage,
                          "{}: it has {} further environments, and {} is the most that can be taken over", file_name,
                          installer.environments.size(), format::further_environments_limit);
    for (const conda::ConstructorEnvironment& environment : installer.environments)
        if (environment.name == lock.name)
            return make_error(ErrorKind::usage,
                              "{}: it brings an environment '{}' of its own; give yours another name with --name",
                              file_name, environment.name);
    return {};
}

} // namespace

Status check_local_base(const lock::LockedBase& base, const std::string& platform) {
    if (!base.url.starts_with("file:")) return {};
    conda::ConstructorReadOptions read;
    read.name = base.file_name;
    TRY_ASSIGN(const conda::ConstructorInstaller head, conda::read_constructor_head(file_url_to_path(base.url), read));
    return check_platform(head, base.file_name, platform);
}

Result<Base> read_base(fetch::Fetched file, lock::Lock& lock, Reporter& reporter) {
    lock::LockedBase& locked = *lock.base;
    Base out{std::move(file), {}};
    locked.sha256 = out.file.sha256;
    locked.size = out.file.size;
    conda::ConstructorReadOptions read;
    read.name = locked.file_name;
    TRY_ASSIGN(out.installer, conda::read_constructor(out.file.path, read));
    TRY(check_platform(out.installer, locked.file_name, lock.platform));
    locked.kind = lock::base_kind(out.installer.name);
    locked.version = out.installer.version;
    for (const std::string& warning : out.installer.warnings) reporter.warning(locked.file_name + ": " + warning);
    TRY(check_environments(out.installer, lock));
    return out;
}

Result<lock::LockedArtifact> base_artifact(const Base& base, const lock::LockedBase& locked,
                                           const conda::ConstructorPackage& package) {
    lock::LockedArtifact out;
    out.kind = parcel::ArtifactKind::conda;
    TRY_ASSIGN(conda::FileName name, conda::parse_file_name(package.file_name).in(locked.file_name));
    out.name = name.name;
    out.version = name.version;
    out.build = name.build;
    out.file_name = package.file_name;
    out.url = without_credentials(package.url);
    out.md5 = package.md5;
    out.size = package.size;
    TRY_ASSIGN(const Fd fd, open_file(base.file.path, O_RDONLY | O_CLOEXEC));
    FileRead read;
    read.offset = package.offset;
    read.size = package.size;
    TRY_ASSIGN(const FileHash hash, hash_file(fd.get(), locked.file_name + ":" + package.file_name, read));
    out.sha256 = to_hex(hash.sha256);
    return out;
}

} // namespace tinderbox::build
