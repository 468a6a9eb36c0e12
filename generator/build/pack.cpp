#include "generator/build/pack.hpp"

#include "common/base/progress.hpp"
#include "generator/build/parcels.hpp"
#include "generator/conda/link.hpp"
#include "generator/lock/pip_resolve.hpp"

#include <algorithm>
#include <atomic>
#include <set>

namespace tinderbox::build {
namespace {

// Of two packages with one file the later linked one wins, so the order has to be conda's.
void order_conda_packages(std::vector<assemble::LinkInput>& inputs) {
    auto is_conda = [](const assemble::LinkInput& input) {
        return input.artifact && input.artifact->kind == parcel::ArtifactKind::conda;
    };
    auto first = std::ranges::find_if(inputs, is_conda);
    auto last = std::find_if_not(first, inputs.end(), is_conda);
    std::vector<conda::LinkNode> nodes;
    for (auto it = first; it != last; ++it) nodes.push_back(conda::link_node(it->parcel.metadata));
    std::vector<assemble::LinkInput> ordered;
    for (std::size_t index : conda::link_order(nodes))
        ordered.push_back(std::move(first[static_cast<std::ptrdiff_t>(index)]));
    std::ranges::move(ordered, first);
}

Status pack_artifacts(Parcels& parcels, const Downloads& downloads, Packed& out) {
    for (std::size_t i = 0; i < downloads.lock.artifacts.size(); ++i) {
        const lock::LockedArtifact& artifact = downloads.lock.artifacts[i];
        const fs::path& file = downloads.files[i].path;
        assemble::LinkInput input;
        input.artifact = &artifact;
        TRY_ASSIGN(input.parcel, artifact.kind == parcel::ArtifactKind::wheel
                                     ? parcels.wheel(artifact.sha256, file, artifact.file_name)
                                     : parcels.conda_package(artifact.sha256, file, artifact.file_name));
        // RECORD was compared with the files while packing; its thousands of rows are not needed again.
        input.parcel.metadata.erase("record");
        out.inputs.push_back(std::move(input));
    }
    return {};
}

// The packages of the base by their hashes, before any is packed.
Status read_base_packages(const Downloads& downloads, Packed& out, Reporter& reporter) {
    const Base& base = *downloads.base;
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < base.installer.base_count; ++i) indices.push_back(i);
    for (const auto& environment : base.installer.environments)
        indices.insert(indices.end(), environment.packages.begin(), environment.packages.end());
    std::uint64_t total = 0;
    for (std::size_t i : indices) total += base.installer.packages[i].size;
    std::atomic<std::uint64_t> done = 0;
    const ProgressLine line(reporter, [&] { return ProgressLine::State{"reading", done, total}; });
    for (std::size_t i : indices) {
        const conda::ConstructorPackage& package = base.installer.packages[i];
        auto [artifact, first] = out.base_artifacts.try_emplace(i);
        if (first) {
            TRY_ASSIGN(artifact->second, base_artifact(base, *downloads.lock.base, package));
        }
        done += package.size;
    }
    return {};
}

// The info/ of a package comes along once, for the package cache.
Status pack_base_package(Parcels& parcels, const Downloads& downloads, std::size_t index, format::Root root,
                         std::set<std::size_t>& with_info, Packed& out) {
    const Base& base = *downloads.base;
    const conda::ConstructorPackage& package = base.installer.packages[index];
    const auto artifact = out.base_artifacts.find(index);
    const bool first = with_info.insert(index).second;
    const std::string& sha256 = artifact->second.sha256;
    assemble::LinkInput input, info;
    input.root = info.root = root;
    input.artifact = info.artifact = &artifact->second;
    input.repodata_record = package.repodata_record;
    info.info_of = out.inputs.size();
    TRY_ASSIGN(input.parcel, parcels.base_package(sha256, base.file.path, package));
    out.inputs.push_back(std::move(input));
    if (!first) return {};
    TRY_ASSIGN(info.parcel, parcels.base_package_info(sha256, base.file.path, package));
    out.inputs.push_back(std::move(info));
    return {};
}

Status pack_base(Parcels& parcels, const Downloads& downloads, Packed& out) {
    const conda::ConstructorInstaller& installer = downloads.base->installer;
    std::set<std::size_t> with_info;
    auto pack = [&](std::size_t index, format::Root root) -> Status {
        return pack_base_package(parcels, downloads, index, root, with_info, out);
    };
    for (std::size_t i = 0; i < installer.base_count; ++i) TRY(pack(i, format::Root::base));
    for (std::size_t n = 0; n < installer.environments.size(); ++n)
        for (std::size_t i : installer.environments[n].packages) TRY(pack(i, format::further_environment(n)));
    assemble::LinkInput files;
    files.root = format::Root::base;
    TRY_ASSIGN(files.parcel, parcels.base_files(downloads.lock.base->sha256, downloads.base->file.path, installer));
    out.inputs.push_back(std::move(files));
    TRY_ASSIGN(std::optional<format::PythonInfo> python, assemble::find_python(out.inputs, format::Root::base));
    if (!python)
        return make_error(ErrorKind::usage,
                          "the base has no Python among its packages; use the installer of a conda, such as Miniforge");
    out.base.emplace(assemble::BaseLink{installer, *downloads.lock.base, *std::move(python), {}});
    for (std::size_t n = 0; n < installer.environments.size(); ++n) {
        format::FurtherEnvironment environment{installer.environments[n].name, {}};
        TRY_ASSIGN(environment.python, assemble::find_python(out.inputs, format::further_environment(n)));
        out.base->environments.push_back(std::move(environment));
    }
    return {};
}

void announce_all(Parcels& parcels, const Downloads& downloads, const Captured& captured, const Packed& out) {
    const lock::Lock& lock = downloads.lock;
    const parcel::ParcelKeys& keys = parcels.keys();
    if (captured.any())
        parcels.announce(keys.artifact(parcel::artifact_kind(captured.source.kind), captured.source.sha256),
                         captured.bytes());
    for (const lock::LockedArtifact& artifact : lock.artifacts)
        parcels.announce(keys.artifact(artifact.kind, artifact.sha256), artifact.size);
    for (const lock::LockedInclude& include : lock.includes)
        parcels.announce(keys.include(include.sha256, include.destination, include.in_prefix ? "" : lock.name),
                         include.size);
    for (const auto& [index, artifact] : out.base_artifacts)
        parcels.announce(keys.artifact(parcel::ArtifactKind::conda, artifact.sha256), artifact.size);
}

} // namespace

const format::PythonInfo* Packed::python_in(format::Root root) const {
    if (root == format::Root::env) return python ? &*python : nullptr;
    if (root == format::Root::base) return &base->python;
    const auto& further = base->environments[format::prefix_index(root) - 2].python;
    return further ? &*further : nullptr;
}

Result<Packed> pack(const Options& options, const Downloads& downloads, Captured& captured, Reporter& reporter) {
    Packed out;
    Parcels parcels(options, downloads.lock.source_mtime, &reporter);
    if (downloads.base) TRY(read_base_packages(downloads, out, reporter));
    announce_all(parcels, downloads, captured, out);
    const ProgressLine line(reporter, [&] { return ProgressLine::State{"packing", parcels.done(), parcels.total()}; });
    if (captured.any()) {
        assemble::LinkInput input;
        TRY_ASSIGN(input.parcel, parcels.captured(captured.source, std::move(captured.artifact)));
        out.inputs.push_back(std::move(input));
    }
    TRY(pack_artifacts(parcels, downloads, out));
    order_conda_packages(out.inputs);
    TRY_ASSIGN(out.python, assemble::find_python(out.inputs, format::Root::env));
    const bool wheels = std::ranges::any_of(out.inputs, [](const assemble::LinkInput& input) {
        return input.parcel.kind() == parcel::ArtifactKind::wheel;
    });
    if (wheels && !out.python) return lock::no_python();
    for (const lock::LockedInclude& include : downloads.lock.includes) {
        assemble::LinkInput input;
        TRY_ASSIGN(input.parcel, parcels.include(include, downloads.lock.name));
        out.inputs.push_back(std::move(input));
    }
    if (downloads.base) TRY(pack_base(parcels, downloads, out));
    return out;
}

} // namespace tinderbox::build
