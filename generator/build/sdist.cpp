#include "generator/build/sdist.hpp"

#include "generator/assemble/bytecode.hpp"
#include "generator/assemble/link.hpp"
#include "generator/build/parcels.hpp"
#include "generator/lock/download.hpp"
#include "generator/lock/pip_resolve.hpp"
#include "generator/lock/rebuild_wheel.hpp"

#include <list>

namespace tinderbox::build {
namespace {

using nlohmann::json;

std::string captured_executable(const Captured& captured) {
    if (captured.source.kind == "python") return captured.source.path;
    return (fs::path(captured.source.path) / captured.python().value("executable", "bin/python")).string();
}

// Unpacks the conda packages into `directory`.
Result<std::string> conda_python(const Options& options, const std::vector<lock::LockedArtifact>& conda,
                                 std::int64_t source_mtime, fetch::Fetcher& fetcher, const fs::path& directory) {
    std::vector<fetch::Download> downloads;
    for (const lock::LockedArtifact& artifact : conda) downloads.push_back(lock::to_download(artifact));
    TRY_ASSIGN(auto files, fetcher.fetch(downloads));
    Parcels packer(options, source_mtime);
    std::vector<assemble::LinkInput> inputs;
    for (std::size_t i = 0; i < conda.size(); ++i) {
        assemble::LinkInput input;
        input.artifact = &conda[i];
        TRY_ASSIGN(input.parcel, packer.conda_package(files[i].sha256, files[i].path, conda[i].file_name));
        inputs.push_back(std::move(input));
    }
    TRY_ASSIGN(std::optional<format::PythonInfo> python, assemble::find_python(inputs, format::Root::env));
    if (!python) return lock::no_python();
    std::vector<const parcel::Parcel*> parcels;
    for (const assemble::LinkInput& input : inputs) parcels.push_back(&input.parcel);
    return assemble::materialize_python(parcels, *python, directory);
}

} // namespace

std::function<Result<std::string>(const std::vector<lock::LockedArtifact>& conda)>
host_python(const Options& options, const Captured& captured, std::int64_t source_mtime, fetch::Fetcher& fetcher) {
    auto directories = std::make_shared<std::list<TemporaryDirectory>>();
    return [&options, &captured, &fetcher, source_mtime,
            directories](const std::vector<lock::LockedArtifact>& conda) -> Result<std::string> {
        if (captured.any()) return captured_executable(captured);
        TRY_ASSIGN(TemporaryDirectory directory, TemporaryDirectory::make(cache_directory()));
        directories->push_back(std::move(directory));
        return conda_python(options, conda, source_mtime, fetcher, directories->back().path());
    };
}

Result<fetch::Fetched> fetch_built_wheel(const Options& options, const Requested& requested, const Captured& captured,
                                         const lock::Lock& lock, const lock::LockedArtifact& artifact,
                                         fetch::Fetcher& fetcher, Reporter& reporter) {
    lock::LockOptions how;
    how.reporter = &reporter;
    how.source_mtime = lock.source_mtime;
    how.build_python = host_python(options, captured, lock.source_mtime, fetcher);
    describe_python(captured, how);
    return lock::rebuild_wheel(artifact, lock, requested.request.pip_options, how, fetcher);
}

} // namespace tinderbox::build
