#include "generator/build/includes.hpp"

#include "common/base/hash.hpp"
#include "generator/assemble/include.hpp"

#include <nlohmann/json.hpp>

#include <set>

namespace tinderbox::build {
namespace {

Result<std::vector<lock::LockedInclude>> named_includes(const Options& options, const spec::Request& request) {
    std::vector<lock::LockedInclude> out;
    for (const spec::IncludedFile& file : request.includes) out.push_back({file.source, file.destination, "", true, 0});
    std::set<std::string> destinations;
    for (const std::string& text : options.include) {
        TRY_ASSIGN(lock::LockedInclude include, assemble::parse_include(text));
        if (!destinations.insert(include.destination).second)
            return make_error(ErrorKind::usage, "--include {}: '{}' is there already; give another DEST: SRC:DEST",
                              text, include.destination);
        out.push_back(std::move(include));
    }
    return out;
}

// `before`: the hash that the lock names, "" for a new lock.
Status check_unchanged(const Options& options, const std::string& path, const char* words, const std::string& before,
                       const std::string& now) {
    if (before.empty() || before == now) return {};
    return make_error(ErrorKind::usage,
                      "{}: the lock was made with {} '{}' (SHA-256 {}, now {}); lock again, or restore it",
                      options.specs.front(), words, path, before, now);
}

Status read_files(const Options& options, const Requested& requested, lock::Lock& lock, Reporter& reporter) {
    TRY_ASSIGN(auto named, named_includes(options, requested.request));
    if (!requested.lock) {
        lock.includes = std::move(named);
        for (const std::string& text : options.include) lock.request.push_back("--include " + text);
    } else if (!options.include.empty()) {
        return make_error(ErrorKind::usage,
                          "{}: a lock names its included files itself; lock again with --include, or leave it away",
                          options.specs.front());
    }
    for (lock::LockedInclude& include : lock.includes) {
        TRY_ASSIGN(auto artifact, assemble::open_include(include, lock.name, reporter));
        const std::string found = artifact->metadata().value("sha256", "");
        TRY(check_unchanged(options, include.path, "other contents of", include.sha256, found));
        include.sha256 = found;
        include.size = 0;
        for (const parcel::Entry& entry : artifact->entries()) include.size += entry.size;
    }
    reporter.end_progress();
    return {};
}

std::optional<lock::LockedInstaller> named_installer(const spec::Request& request) {
    if (request.version.empty()) return std::nullopt;
    auto text = [](const std::string& path) {
        return path.empty() ? std::nullopt : std::optional(lock::LockedText{path, "", ""});
    };
    lock::LockedInstaller out;
    out.version = request.version;
    out.variables = request.script_variables;
    out.pre_install = text(request.pre_install);
    out.post_install = text(request.post_install);
    out.license = text(request.license_file);
    return out;
}

// What construct.yaml says of the installer: its scripts and its licence.
Status read_installer_texts(const Options& options, const Requested& requested, lock::Lock& lock, Reporter& reporter) {
    if (!requested.lock) lock.installer = named_installer(requested.request);
    if (!lock.installer) return {};
    auto read = [&](std::optional<lock::LockedText>& text, auto* reader) -> Status {
        if (!text) return {};
        TRY_ASSIGN(text->text, reader(text->path));
        const std::string found = to_hex(sha256(as_bytes(text->text)));
        TRY(check_unchanged(options, text->path, "another", text->sha256, found));
        text->sha256 = found;
        return {};
    };
    TRY(read(lock.installer->pre_install, spec::read_script));
    TRY(read(lock.installer->post_install, spec::read_script));
    TRY(read(lock.installer->license, spec::read_license));
    if (lock.installer->pre_install)
        reporter.note(
            "pre_install",
            "runs when the packages' files are there, before their scripts (constructor runs it before the files)");
    return {};
}

} // namespace

Status read_includes(const Options& options, const Requested& requested, lock::Lock& lock, Reporter& reporter) {
    TRY(read_files(options, requested, lock, reporter));
    return read_installer_texts(options, requested, lock, reporter);
}

} // namespace tinderbox::build
