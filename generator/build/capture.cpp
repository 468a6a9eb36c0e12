#include "generator/build/capture.hpp"

#include <atomic>

namespace tinderbox::build {

using nlohmann::json;

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
    capture.threads = options.jobs;
    std::atomic<std::uint64_t> read = 0;
    capture.progress = [&](std::uint64_t bytes) { reporter.progress("capturing", read += bytes, 0); };
    TRY_ASSIGN(out.artifact, python_from.empty() ? capture::capture_prefix(from_prefix, capture)
                                                 : capture::capture_python(python_from, capture));
    reporter.end_progress();
    const json& metadata = out.artifact->metadata();
    out.source = {metadata.value("kind", ""), out.artifact->source(), out.artifact->sha256()};
    if (locked && locked->sha256 != out.source.sha256)
        return make_error(ErrorKind::usage,
                          "{}: the lock was made with another '{}' (SHA-256 {}, now {}); lock again, or restore it",
                          options.specs.front(), locked->path, locked->sha256, out.source.sha256);
    reporter.note("captured", fmt::format("{} {} from {}", metadata.value("name", ""), metadata.value("version", ""),
                                          out.source.path));
    return out;
}

} // namespace tinderbox::build
