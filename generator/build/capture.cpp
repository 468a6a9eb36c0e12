#include "generator/build/capture.hpp"

#include "generator/pip/requirement.hpp"

#include <algorithm>

namespace tinderbox::build {

using nlohmann::json;

namespace {

// The wheels that replace editable installations are artifacts of the lock.
Status check_editable(const capture::CapturedArtifact& captured, const std::string& path, const lock::Lock& lock) {
    for (const capture::EditableProject& project : captured.editable())
        if (std::ranges::find(lock.artifacts, pip::normalize_name(project.name), &lock::LockedArtifact::name) ==
            lock.artifacts.end())
            return make_error(
                ErrorKind::usage,
                "{}: '{}' has {} installed from its source directory (editable), and the lock has no wheel "
                "of it; lock again with --with-project",
                path, captured.source(), project.name);
    return {};
}

} // namespace

json Captured::python() const {
    return artifact ? artifact->metadata().value("python", json::object()) : json::object();
}

std::uint64_t Captured::bytes() const {
    std::uint64_t out = 0;
    if (artifact)
        for (const parcel::Entry& entry : artifact->entries()) out += entry.size;
    return out;
}

void capture_again(const lock::CapturedSource& source, std::string& python_from, std::string& from_prefix) {
    if (!python_from.empty() || !from_prefix.empty()) return;
    if (source.kind == "python") python_from = source.path;
    else from_prefix = source.path;
}

void describe_python(const Captured& captured, lock::LockOptions& options) {
    if (!captured.any()) return;
    const json python = captured.python();
    options.python = python.value("version", "");
    options.free_threaded = !python.value("gil", true);
}

Result<Captured> capture(const Options& options, const Requested& requested, Reporter& reporter) {
    Captured out;
    std::string python_from = options.python_from, from_prefix = options.from_prefix;
    const lock::CapturedSource* locked =
        requested.lock && requested.lock->captured ? &*requested.lock->captured : nullptr;
    if (locked) capture_again(*locked, python_from, from_prefix);
    if (!python_from.empty() && !from_prefix.empty())
        return make_error(ErrorKind::usage, "--python-from and --from-prefix both name a Python; give one of them");
    if (python_from.empty() && from_prefix.empty()) return out;
    capture::CaptureOptions capture;
    capture.strict = options.strict;
    capture.without_editable = options.with_project || locked;
    capture.threads = options.jobs;
    capture.progress = [&](std::uint64_t done, std::uint64_t total) { reporter.progress("capturing", done, total); };
    TRY_ASSIGN(out.artifact, python_from.empty() ? capture::capture_prefix(from_prefix, capture)
                                                 : capture::capture_python(python_from, capture));
    reporter.end_progress();
    const json& metadata = out.artifact->metadata();
    out.source = {metadata.value("kind", ""), out.artifact->source(), out.artifact->sha256()};
    if (locked && locked->sha256 != out.source.sha256)
        return make_error(ErrorKind::usage,
                          "{}: the lock was made with another '{}' (SHA-256 {}, now {}); lock again, or restore it",
                          options.specs.front(), locked->path, locked->sha256, out.source.sha256);
    if (locked) TRY(check_editable(*out.artifact, options.specs.front(), *requested.lock));
    reporter.note("captured", fmt::format("{} {} from {}", metadata.value("name", ""), metadata.value("version", ""),
                                          out.source.path));
    return out;
}

} // namespace tinderbox::build
