// --include: files of the user's own become parcels, too, pinned in the lock by the hash of what they hold.
#include "generator/commands/pipeline.hpp"

#include "common/base/terminal.hpp"
#include "generator/assemble/include.hpp"

#include <nlohmann/json.hpp>

#include <set>

namespace tinderbox {

// Of a lock, what it names has to be as it was; else what the command line names is written into the lock.
Status Pipeline::read_includes() {
    std::vector<LockedInclude> asked;
    std::set<std::string> destinations;
    for (const std::string& text : options_.include) {
        TRY_ASSIGN(LockedInclude include, parse_include(text));
        if (!destinations.insert(include.destination).second)
            return make_error(ErrorKind::usage, "--include {}: '{}' is there already; give another DEST: SRC:DEST", text, include.destination);
        asked.push_back(std::move(include));
    }
    if (!request_is_lock_) {
        lock_.includes = std::move(asked);
        for (const std::string& text : options_.include) lock_.request.push_back("--include " + text);
    } else if (!asked.empty()) {
        return make_error(ErrorKind::usage, "{}: what is included is part of the lock; lock again with --include, or leave it away", options_.specs.front());
    }
    for (LockedInclude& include : lock_.includes) {
        TRY_ASSIGN(auto artifact, open_include(include, lock_.name));
        const std::string found = artifact->metadata().value("sha256", "");
        if (!include.sha256.empty() && include.sha256 != found)
            return make_error(ErrorKind::usage, "{}: the lock was made with other contents of '{}' (SHA-256 {}, now {}); lock again, or restore it",
                              options_.specs.front(), include.path, include.sha256, found);
        include.sha256 = found;
    }
    return {};
}

Status Pipeline::pack_includes() {
    ParcelCache cache(cache_directory() / "parcels");
    const PackOptions pack = pack_options();
    for (const LockedInclude& include : lock_.includes) {
        LinkInput input;
        const std::string variant = fmt::format("include 1 {} {} mtime {}", lock_.name, include.destination, lock_.source_mtime);
        TRY_ASSIGN(input.parcel, cache.get(ParcelCache::key(include.sha256, pack.level, variant), pack,
                                           [&] { return open_include(include, lock_.name); }));
        inputs_.push_back(std::move(input));
    }
    return {};
}

} // namespace tinderbox
