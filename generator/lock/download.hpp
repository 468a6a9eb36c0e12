// The location of a locked file, and its download.
#pragma once

#include "generator/fetch/fetch.hpp"
#include "generator/lock/lock.hpp"

namespace tinderbox::lock {

// A file's location in two forms: to write down, and to fetch from.
struct Location {
    std::string url;    // without credentials; "file:///…" for a local file
    std::string source; // the URL with its credentials, or the local path
    bool local = false;
};
Location locate(const std::string& url_or_path);
// Writes both forms into the artifact. True: a local file.
bool set_location(const std::string& url_or_path, LockedArtifact& artifact);

// From `source` when it is set (a request was solved), else from `url` (a lock was read). For an artifact with
// built_from the URL is that of its archive.
fetch::Download to_download(const LockedArtifact& artifact);
fetch::Download to_download(const LockedBase& base);
fetch::Download to_download(const BuiltFrom& archive);

} // namespace tinderbox::lock
