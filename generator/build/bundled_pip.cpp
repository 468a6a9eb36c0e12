#include "generator/build/bundled_pip.hpp"

#include "common/base/hash_file.hpp"
#include "common/base/last_component.hpp"
#include "generator/lock/download.hpp"
#include "generator/pip/tags.hpp"

#include <algorithm>

namespace tinderbox::build {
namespace {

// ensurepip keeps one version; a distribution keeps its wheels elsewhere (WHEEL_PKG_DIR, captured as well).
std::optional<fs::path> bundled_wheel(const capture::CapturedArtifact& python) {
    for (std::size_t i = 0; i < python.entries().size(); ++i) {
        const parcel::Entry& entry = python.entries()[i];
        if (entry.kind != format::EntryKind::file || !entry.path.ends_with(".whl")) continue;
        const auto wheel = pip::parse_wheel_name(last_component(entry.path));
        if (wheel && wheel->name == "pip") return python.file_of(i);
    }
    return std::nullopt;
}

} // namespace

Status add_bundled_pip(const Options& options, const Captured& captured, lock::Lock& lock, Reporter& reporter) {
    if (options.no_pip || captured.source.kind != "python") return {};
    if (std::ranges::find(lock.artifacts, "pip", &lock::LockedArtifact::name) != lock.artifacts.end()) return {};
    const std::optional<fs::path> path = bundled_wheel(*captured.artifact);
    if (!path) {
        reporter.note("pip", fmt::format("{} has no ensurepip, so the environment gets no pip; --pip pip adds one",
                                         captured.source.path));
        return {};
    }
    TRY_ASSIGN(const FileHash hash, hash_file(*path));
    lock::LockedArtifact out;
    out.kind = parcel::ArtifactKind::wheel;
    out.file_name = path->filename().string();
    const auto wheel = pip::parse_wheel_name(out.file_name);
    out.name = wheel->name;
    out.version = wheel->version.str();
    out.requirement = "ensurepip of the captured Python";
    lock::set_location(path->string(), out);
    out.sha256 = to_hex(hash.sha256);
    out.size = hash.size;
    lock::insert_wheel(std::move(out), lock.artifacts);
    return {};
}

} // namespace tinderbox::build
