#include "generator/lock/download.hpp"

#include "common/base/url.hpp"

namespace tinderbox::lock {
namespace {

// The members that every locked file has.
template <class Locked> fetch::Download download_of(const Locked& file) {
    fetch::Download out;
    out.url = file.source.empty() ? file.url : file.source;
    out.name = file.file_name;
    out.sha256 = file.sha256;
    out.size = file.size;
    return out;
}

} // namespace

Location locate(const std::string& url_or_path) {
    Location out;
    const bool path = !is_url(url_or_path);
    out.local = path || url_or_path.starts_with("file:");
    out.source = path || !out.local ? url_or_path : file_url_to_path(url_or_path);
    out.url = out.local ? "file://" + percent_encode_path(out.source) : without_credentials(url_or_path);
    return out;
}

bool set_location(const std::string& url_or_path, LockedArtifact& artifact) {
    Location location = locate(url_or_path);
    artifact.source = std::move(location.source);
    artifact.url = std::move(location.url);
    return location.local;
}

fetch::Download to_download(const LockedArtifact& artifact) {
    fetch::Download out = download_of(artifact);
    out.md5 = artifact.md5;
    out.hashes = artifact.hashes;
    return out;
}

fetch::Download to_download(const LockedBase& base) { return download_of(base); }

fetch::Download to_download(const BuiltFrom& archive) { return download_of(archive); }

} // namespace tinderbox::lock
