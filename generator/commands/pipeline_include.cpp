// What rides along: --include and the extra_files of a construct.yaml become parcels, too, pinned in the lock by the
// hash of what they hold; so are its scripts and its licence, which the manifest carries.
#include "generator/commands/pipeline.hpp"

#include "common/base/hash.hpp"
#include "common/base/terminal.hpp"
#include "generator/assemble/include.hpp"

#include <nlohmann/json.hpp>

#include <set>

namespace tinderbox {

Status Pipeline::read_carried() {
    TRY(read_includes());
    return read_installer();
}

// Of a lock, what it names has to be as it was; else what the command line names is written into the lock.
Status Pipeline::read_includes() {
    std::vector<LockedInclude> asked;
    for (const IncludedFile& file : request_.includes) asked.push_back({file.source, file.destination, "", true, 0});
    std::set<std::string> destinations;
    for (const std::string& text : options_.include) {
        TRY_ASSIGN(LockedInclude include, parse_include(text));
        if (!destinations.insert(include.destination).second)
            return make_error(ErrorKind::usage, "--include {}: '{}' is there already; give another DEST: SRC:DEST",
                              text, include.destination);
        asked.push_back(std::move(include));
    }
    if (!request_is_lock_) {
        lock_.includes = std::move(asked);
        for (const std::string& text : options_.include) lock_.request.push_back("--include " + text);
    } else if (!options_.include.empty()) {
        return make_error(ErrorKind::usage,
                          "{}: what is included is part of the lock; lock again with --include, or leave it away",
                          options_.specs.front());
    }
    for (LockedInclude& include : lock_.includes) {
        TRY_ASSIGN(auto artifact, open_include(include, lock_.name));
        const std::string found = artifact->metadata().value("sha256", "");
        if (!include.sha256.empty() && include.sha256 != found)
            return make_error(
                ErrorKind::usage,
                "{}: the lock was made with other contents of '{}' (SHA-256 {}, now {}); lock again, or restore it",
                options_.specs.front(), include.path, include.sha256, found);
        include.sha256 = found;
        include.size = 0;
        for (const Entry& entry : artifact->entries()) include.size += entry.size;
    }
    Terminal::get().end_progress();
    return {};
}

Status Pipeline::read_installer() {
    if (!request_is_lock_ && !request_.version.empty()) {
        LockedInstaller installer;
        installer.version = request_.version;
        installer.variables = request_.script_variables;
        auto text = [](const std::string& path) {
            return path.empty() ? std::nullopt : std::optional(LockedText{path, "", ""});
        };
        installer.pre_install = text(request_.pre_install);
        installer.post_install = text(request_.post_install);
        installer.license = text(request_.license_file);
        lock_.installer = std::move(installer);
    }
    if (!lock_.installer) return {};
    auto read = [&](std::optional<LockedText>& text, auto* reader) -> Status {
        if (!text) return {};
        TRY_ASSIGN(text->text, reader(text->path));
        const std::string found = to_hex(sha256(as_bytes(text->text)));
        if (!text->sha256.empty() && text->sha256 != found)
            return make_error(ErrorKind::usage,
                              "{}: the lock was made with another '{}' (SHA-256 {}, now {}); lock again, or restore it",
                              options_.specs.front(), text->path, text->sha256, found);
        text->sha256 = found;
        return {};
    };
    TRY(read(lock_.installer->pre_install, read_script));
    TRY(read(lock_.installer->post_install, read_script));
    TRY(read(lock_.installer->license, read_license));
    if (lock_.installer->pre_install)
        Terminal::get().note(
            "pre_install",
            "runs when the packages' files are there, before their scripts (constructor runs it before the files)");
    return {};
}

Status Pipeline::pack_includes() {
    ParcelCache cache(cache_directory() / "parcels");
    const PackOptions pack = pack_options();
    for (const LockedInclude& include : lock_.includes) {
        LinkInput input;
        const std::string variant =
            include.in_prefix
                ? fmt::format("include 2 {} mtime {}", include.destination, lock_.source_mtime)
                : fmt::format("include 1 {} {} mtime {}", lock_.name, include.destination, lock_.source_mtime);
        TRY_ASSIGN(input.parcel, cache.get(ParcelCache::key(include.sha256, pack.level, variant), pack,
                                           [&] { return open_include(include, lock_.name); }));
        inputs_.push_back(std::move(input));
    }
    return {};
}

} // namespace tinderbox
