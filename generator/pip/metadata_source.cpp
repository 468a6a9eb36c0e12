#include "generator/pip/metadata_source.hpp"

#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/fetch/url.hpp"
#include "generator/pip/metadata.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace tinderbox::pip {
namespace {

// Everything in front of the description.
std::string headers_of(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        auto end = text.find('\n', at);
        std::string_view line = text.substr(at, end == std::string_view::npos ? end : end - at);
        if (line.empty() || line == "\r") return std::string(text.substr(0, at));
        if (end == std::string_view::npos) break;
        at = end + 1;
    }
    return std::string(text);
}

std::string digest(std::string_view text) { return to_hex(sha256(as_bytes(text))); }

} // namespace

MetadataSource::MetadataSource(fetch::Fetcher& fetcher, fs::path cache_root)
    : fetcher_(fetcher), directory_((cache_root.empty() ? cache_directory() : cache_root) / "metadata") {
    (void)make_directories(directory_); // without it no copy is kept, which is no error
}

// "" when nothing identifies the content.
std::string MetadataSource::copy_name(const IndexFile& file) const {
    if (file.local) return "";
    if (file.has_metadata && !file.metadata_sha256.empty()) return file.metadata_sha256;
    if (file.sha256.empty() || is_source_archive(file))
        return ""; // a wheel built of it depends on more than the archive
    return digest(file.sha256 + " " + without_credentials(file.url));
}

// The first line is the SHA-256 of the rest. A truncated or modified copy is ignored.
std::optional<std::string> MetadataSource::read_copy(const std::string& name) const {
    auto text = read_text(directory_ / name.substr(0, 2) / name, largest_metadata);
    if (!text || text->size() < 65 || (*text)[64] != '\n') return std::nullopt;
    std::string rest = text->substr(65);
    if (digest(rest) != std::string_view(*text).substr(0, 64)) return std::nullopt;
    return rest;
}

// Not write_atomically: it waits for the disk, and the first line already tells a damaged copy.
void MetadataSource::keep_copy(const std::string& name, const std::string& text) const {
    fs::path path = directory_ / name.substr(0, 2) / name;
    if (!make_directories(path.parent_path()).ok()) return;
    static std::atomic<unsigned> count = 0;
    fs::path temporary = path.string() + fmt::format(".{}.{}", ::getpid(), count++);
    auto fd = open_file(temporary, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (!fd) return;
    if (!write_exact(fd->get(), as_bytes(digest(text) + "\n" + text), temporary.string()).ok() ||
        ::rename(temporary.c_str(), path.c_str()) != 0)
        ::unlink(temporary.c_str());
}

Result<std::string> MetadataSource::beside(const IndexFile& file) {
    fetch::Url url = fetch::Url::parse(file.url);
    url.path += ".metadata";
    TRY_ASSIGN(fetch::RangeReply piece, fetcher_.range(url.str(), 0, largest_metadata, false));
    if (piece.refused) {
        // No ranges, or a server that refuses one beyond the end: the file is small, so take it whole.
        TRY_ASSIGN(auto fetched,
                   fetcher_.fetch({{url.str(), file.file_name + ".metadata", file.metadata_sha256, "", 0}}));
        return read_text(fetched.front().path, largest_metadata);
    }
    if (piece.status != 200 && piece.status != 206)
        return make_error(ErrorKind::network, "{}: not found (HTTP {})", without_credentials(url.str()), piece.status);
    if (!file.metadata_sha256.empty() && digest(piece.bytes) != file.metadata_sha256)
        return make_error(ErrorKind::network, "{}: the SHA-256 is {}, {} was expected; the index contradicts itself",
                          without_credentials(url.str()), digest(piece.bytes), file.metadata_sha256);
    return std::move(piece.bytes);
}

Result<std::string> MetadataSource::find(const IndexFile& file) {
    if (is_source_archive(file)) {
        if (!builder_)
            return make_error(ErrorKind::usage, "{}: it is no wheel; --allow-sdist makes one of it", file.file_name);
        TRY_ASSIGN(std::string text, builder_->metadata(file));
        return headers_of(text);
    }
    if (file.local) return read_wheel_metadata(file.url);
    if (file.has_metadata) {
        auto text = beside(file);
        if (text) {
            ++counts_.beside;
            return headers_of(*text);
        }
        // Some mirrors announce metadata files and do not have them; every wheel has its METADATA inside.
    }
    auto ranged = read_remote_metadata(fetcher_, file);
    if (ranged && *ranged) {
        ++counts_.ranged;
        return headers_of(**ranged);
    }
    TRY_ASSIGN(auto fetched, fetcher_.fetch({to_download(file)}));
    ++counts_.whole;
    TRY_ASSIGN(std::string text, read_wheel_metadata(fetched.front().path));
    return headers_of(text);
}

Result<std::string> MetadataSource::text(const IndexFile& file) {
    std::string name = copy_name(file);
    if (!name.empty())
        if (auto copy = read_copy(name)) {
            ++counts_.cached;
            return *copy;
        }
    TRY_ASSIGN(std::string found, find(file));
    if (!name.empty()) keep_copy(name, found);
    return found;
}

std::shared_ptr<const Result<Metadata>> MetadataSource::get(const IndexFile& file) {
    return known_.get(file.url, [&]() -> Result<Metadata> {
        TRY_ASSIGN(const std::string found, text(file));
        return parse_metadata(found);
    });
}

} // namespace tinderbox::pip
