#include "generator/lock/rebuild_wheel.hpp"

#include "generator/lock/download.hpp"
#include "generator/lock/pip_resolve.hpp"

namespace tinderbox::lock {

Result<fetch::Fetched> rebuild_wheel(const LockedArtifact& artifact, const Lock& lock, const pip::Options& pip,
                                     const LockOptions& options, fetch::Fetcher& fetcher) {
    const std::vector<LockedArtifact> conda = conda_packages(lock);
    pip::Target target;
    target.platform = lock.platform;
    target.glibc = lock.target_glibc;
    TRY(set_target_python(conda, options, true, target));
    pip::WheelBuilder builder(fetcher, builder_options(pip, options, target, conda));
    const BuiltFrom& from = *artifact.built_from;
    pip::IndexFile archive;
    archive.file_name = from.file_name;
    archive.url = to_download(from).url;
    archive.sha256 = from.sha256;
    archive.size = from.size;
    archive.local = from.url.starts_with("file:");
    TRY_ASSIGN(pip::BuiltWheel wheel, builder.build(archive));
    if (wheel.sha256 != artifact.sha256)
        return make_error(
            ErrorKind::usage,
            "{}: the wheel that is made of it here has the SHA-256 {}, the lock names {} (another compiler, or "
            "a build that is not reproducible); lock again on this machine",
            from.file_name, wheel.sha256, artifact.sha256);
    return fetch::Fetched{wheel.path, wheel.sha256, wheel.size, true};
}

} // namespace tinderbox::lock
