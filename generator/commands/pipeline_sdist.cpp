// --allow-sdist: the environment's own Python, able to run here before the environment exists, and wheels made with it.
#include "generator/commands/pipeline.hpp"

#include "generator/capture/capture.hpp"
#include "generator/conda/package.hpp"
#include "generator/lock/make_lock.hpp"

#include <nlohmann/json.hpp>

namespace tinderbox {

using nlohmann::json;

// The captured interpreter at its old place, or conda's from a private copy of the environment's conda packages.
Result<std::string> Pipeline::build_python(const std::vector<LockedArtifact>& conda) {
    if (captured_) {
        const json& meta = captured_->metadata();
        if (meta.value("kind", "") == "python") return capture_source_;
        return (fs::path(capture_source_) / meta.value("python", json::object()).value("executable", "bin/python"))
            .string();
    }
    std::vector<Download> downloads;
    for (const LockedArtifact& a : conda)
        downloads.push_back({a.source.empty() ? a.url : a.source, a.file_name, a.sha256, a.md5, a.size});
    TRY_ASSIGN(auto files, fetcher_->fetch(downloads));
    ParcelCache cache(cache_directory() / "parcels");
    const PackOptions pack = pack_options();
    const std::string variant = fmt::format("mtime {}", pack.source_mtime);
    std::vector<LinkInput> inputs;
    for (std::size_t i = 0; i < conda.size(); ++i) {
        LinkInput input;
        input.artifact = &conda[i];
        TRY_ASSIGN(input.parcel, cache.get(ParcelCache::key(files[i].sha256, pack.level, variant), pack,
                                           [&]() -> Result<std::unique_ptr<Artifact>> {
                                               CondaOpenOptions open;
                                               open.name = conda[i].file_name;
                                               return open_conda_package(files[i].path, open);
                                           }));
        inputs.push_back(std::move(input));
    }
    TRY_ASSIGN(PythonInfo python, find_python(inputs));
    std::vector<const Parcel*> parcels;
    for (const LinkInput& input : inputs) parcels.push_back(&input.parcel);
    TRY_ASSIGN(TemporaryDirectory directory, TemporaryDirectory::make(cache_directory()));
    materialized_.push_back(std::move(directory));
    return materialize_python(parcels, python, materialized_.back().path());
}

// What the lock's wheels were made of becomes the same wheels here.
Result<Fetched> Pipeline::fetch_built(const LockedArtifact& artifact) {
    LockOptions options;
    options.source_mtime = lock_.source_mtime;
    options.build_python = [this](const std::vector<LockedArtifact>& conda) { return build_python(conda); };
    if (captured_) {
        const json python = captured_->metadata().value("python", json::object());
        options.python = python.value("version", "");
        options.free_threaded = !python.value("gil", true);
    }
    return make_wheel_again(artifact, lock_, request_.pip_options, options, *fetcher_);
}

} // namespace tinderbox
