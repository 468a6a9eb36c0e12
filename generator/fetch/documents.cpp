#include "generator/fetch/documents.hpp"

#include "common/base/number.hpp"
#include "common/base/time.hpp"
#include "common/base/url.hpp"
#include "generator/fetch/cache_file.hpp"
#include "generator/fetch/transfer.hpp"
#include "generator/fetch/url.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace tinderbox::fetch {

using nlohmann::json;

namespace {

constexpr std::int64_t longest_freshness = 600; // seconds

// A clock that was set back must not make a copy valid for years.
bool is_fresh(const json& info) {
    if (!info.is_object()) return false;
    auto until = info.value("fresh_until", std::int64_t{0});
    return until > now_seconds() && until <= now_seconds() + longest_freshness;
}

// Seconds since 1970 up to which Cache-Control lets a copy be used; 0: ask the server each time.
std::int64_t fresh_until(const TransferReply& reply) {
    for (const char* word : {"no-cache", "no-store"})
        if (reply.cache_control.find(word) != std::string::npos) return 0;
    auto at = reply.cache_control.find("max-age=");
    if (at == std::string::npos || (at > 0 && reply.cache_control[at - 1] == '-')) return 0; // not s-maxage
    std::int64_t seconds = 0;
    const char* begin = reply.cache_control.data() + at + 8;
    std::from_chars(begin, reply.cache_control.data() + reply.cache_control.size(), seconds);
    seconds = std::min(seconds - reply.age, longest_freshness);
    return seconds > 0 ? now_seconds() + seconds : 0;
}

Result<Document> local_document(const std::string& url) {
    std::string path = Url::parse(url).scheme == "file" ? file_url_to_path(url) : url;
    std::error_code ignored;
    if (!fs::exists(path, ignored)) return Document{"", url, "", 404};
    TRY_ASSIGN(std::string body, read_text(path));
    return Document{std::move(body), url, path.ends_with(".json") ? "application/json" : "text/html", 200};
}

Result<Document> stored_document(const fs::path& base, const json& info) {
    TRY_ASSIGN(std::string body, read_text(base.string() + ".body"));
    return Document{std::move(body), info.value("url", ""), info.value("content_type", ""), info.value("status", 200)};
}

Status store_document(const fs::path& base, const Document& document, const TransferReply& reply) {
    json info = {{"url", without_credentials(document.url)},
                 {"content_type", document.content_type},
                 {"status", document.status}};
    if (auto until = fresh_until(reply); until > 0) info["fresh_until"] = until;
    if (!reply.etag.empty()) info["etag"] = reply.etag;
    if (!reply.last_modified.empty()) info["last_modified"] = reply.last_modified;
    TRY(write_atomically(base.string() + ".body", document.body));
    return write_atomically(base.string() + ".json", info.dump());
}

// "bytes 100-199/1000" (RFC 9110, section 14.4)
bool parse_content_range(std::string_view text, RangeReply& out) {
    if (!text.starts_with("bytes ")) return false;
    text.remove_prefix(6);
    auto dash = text.find('-'), slash = text.find('/');
    if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) return false;
    return parse_number(text.substr(0, dash), out.first) && parse_number(text.substr(slash + 1), out.total);
}

Error not_cached(const std::string& url) {
    return make_error(ErrorKind::network, "--offline: '{}' is not in the cache; build once without --offline",
                      without_credentials(url));
}

} // namespace

Status Documents::make_directories() { return tinderbox::make_directories(options_.cache_root / "documents"); }

Result<Document> Documents::get(const std::string& url, const std::string& accept) {
    if (!is_url(url) || Url::parse(url).scheme == "file") return local_document(url);
    const fs::path base = options_.cache_root / "documents" / cache_key(without_credentials(url) + "\n" + accept);
    json known = read_cached_json(base.string() + ".json");
    if (options_.offline) {
        if (known.is_null()) return not_cached(url);
        return stored_document(base, known);
    }
    if (is_fresh(known))
        if (auto stored = stored_document(base, known)) return stored;
    return revalidate(url, accept, base, std::move(known));
}

Result<Document> Documents::revalidate(const std::string& url, const std::string& accept, const fs::path& base,
                                       json known) {
    TransferRequest request;
    request.url = url;
    if (!accept.empty()) request.headers.push_back("Accept: " + accept);
    if (known.is_object() && known.value("status", 200) == 200) {
        if (known.contains("etag")) request.headers.push_back("If-None-Match: " + known["etag"].get<std::string>());
        else if (known.contains("last_modified"))
            request.headers.push_back("If-Modified-Since: " + known["last_modified"].get<std::string>());
    }
    TRY_ASSIGN(TransferReply reply, transfer(options_, request));
    if (reply.status == 304) {
        known["fresh_until"] = fresh_until(reply);
        if (known["fresh_until"] > 0) TRY(write_atomically(base.string() + ".json", known.dump()));
        return stored_document(base, known);
    }
    Document document{std::move(reply.body), reply.final_url, reply.content_type, reply.status};
    // An index that lacks a project says 404: --offline has to give that answer again.
    if (reply.status == 200 || reply.status == 404) TRY(store_document(base, document, reply));
    return document;
}

Result<RangeReply> Documents::range(const std::string& url, std::uint64_t first, std::uint64_t count, bool from_end) {
    if (options_.offline) return not_cached(url);
    TransferRequest request;
    request.url = url;
    request.range = from_end ? fmt::format("-{}", count) : fmt::format("{}-{}", first, first + count - 1);
    request.size_limit = count;
    TRY_ASSIGN(TransferReply reply, transfer(options_, request));
    RangeReply out;
    out.status = reply.status;
    out.refused = reply.range_ignored || reply.status == 416;
    if (reply.status == 206 && !parse_content_range(reply.content_range, out)) out.refused = true;
    if (reply.status == 200) // the whole file, when it is no longer than `count`
        out.total = reply.range_ignored ? reply.length : reply.body.size();
    out.bytes = std::move(reply.body);
    if (out.status == 206 && out.bytes.size() > count) out.refused = true;
    return out;
}

Result<FileDocument> Documents::get_file(const std::string& url, const Validators& known, const fs::path& to,
                                         std::uint64_t limit, TransferCount& count) {
    if (options_.offline) return not_cached(url);
    TRY_ASSIGN(Fd fd, open_file(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    TransferRequest request;
    request.url = url;
    request.file = fd.get();
    request.document = true;
    request.size_limit = limit;
    if (!known.etag.empty()) request.headers.push_back("If-None-Match: " + known.etag);
    else if (!known.last_modified.empty()) request.headers.push_back("If-Modified-Since: " + known.last_modified);
    request.received = &count.received;
    request.expected = &count.expected;
    TRY_ASSIGN(TransferReply reply, transfer(options_, request));
    FileDocument out{reply.status, reply.etag, reply.last_modified, reply.final_url, 0, fresh_until(reply)};
    TRY_ASSIGN(out.size, file_size(fd.get(), to.string()));
    return out;
}

} // namespace tinderbox::fetch
