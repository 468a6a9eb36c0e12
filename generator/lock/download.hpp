// Where a locked file lies, and how it is fetched.
#pragma once

#include "generator/fetch/fetch.hpp"
#include "generator/lock/lock.hpp"

namespace tinderbox::lock {

// A file's place, once to be written down and once to be fetched from.
struct Location {
    std::string url;    // without credentials; "file:///…" for a local file
    std::string source; // the URL with its credentials, or the local path
    bool local = false;
};
Location locate(const std::string& url_or_path);

// With `source` where it is set (a request was solved), else with `url` (a lock was read). Of an artifact with
// built_from the URL is that of its archive.
fetch::Download to_download(const LockedArtifact& artifact);
fetch::Download to_download(const LockedBase& base);
fetch::Download to_download(const BuiltFrom& archive);

} // namespace tinderbox::lock
