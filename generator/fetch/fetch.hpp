// Downloads: parallel, resumable, retried, hash-checked before use, cached by content and shared between runs.
// The only module that opens a socket, and the only one that sees credentials.
#pragma once

#include "common/base/file.hpp"
#include "common/base/hash.hpp"
#include "common/base/reporter.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tinderbox::fetch {

struct FetchOptions {
    bool offline = false; // only what the cache has; a missing one is an error that names it
    unsigned connections = 8;
    std::vector<std::string> insecure_hosts; // plain http or unverified TLS allowed (--insecure-host, trusted-host)
    double stall_timeout_seconds = 60;       // no byte for this long: retry
    int retries = 4;                         // with back-off 0.5, 1, 2, 4 s, and Retry-After
    fs::path cache_root;                     // default cache_directory()
    std::string ca_file;                     // CA bundle; "" = the machine's own (SSL_CERT_FILE, the distribution's)
    Reporter* reporter = nullptr; // shows downloads; not owned, outlives the fetcher; nullptr: nothing is shown
};

struct Download {
    std::string url;    // http(s):// (credentials allowed) or file:// or a path
    std::string name;   // for messages and progress: the file's name
    std::string sha256; // hex, "" unknown
    std::string md5;    // hex, "" unknown
    std::uint64_t size = 0;
    std::vector<std::string> hashes; // others that the file must have, "sha512:HEX" (hashes.hpp)
};

struct Fetched {
    fs::path path;      // in the content cache (<cache>/artifacts/sha256/KK/HEX/NAME), or the local file itself
    std::string sha256; // always known now
    std::uint64_t size = 0;
    bool from_cache = false;
};

// A small document (an index page): body, final URL after redirects, content type. The stored copy is used as long as
// Cache-Control's max-age allows, at most ten minutes; then it is revalidated with ETag or Last-Modified. --offline
// uses the last stored copy.
struct Document {
    std::string body, url, content_type;
    int status = 0;
};

// A part of a remote file.
struct RangeReply {
    std::string bytes;
    std::uint64_t first = 0; // offset of `bytes` in the file
    std::uint64_t total = 0; // of the whole file, 0 = unknown; set also when parts are refused
    int status = 0;          // 206 or 200: found; 404, 410: no such file
    bool refused = false;    // the server has the file and does not serve parts of it
};

// A large document (a channel's index) in a file of the caller's. It is decompressed during the transfer when the
// server compresses the transfer (Content-Encoding), never when the document itself is compressed (.zst).
struct FileDocument {
    // 200: `to` holds it; 304: the copy with these validators is current; 404, 410: it does not exist; 401, 403
    int status = 0;
    std::string etag, last_modified, url; // url: after redirects
    std::uint64_t size = 0;               // bytes in `to`
    std::int64_t fresh_until = 0; // seconds since 1970 until which the server need not be asked again; 0: ask each time
};

struct Validators {
    std::string etag, last_modified; // both "": there is no earlier copy
    bool any() const { return !etag.empty() || !last_modified.empty(); }
};

// Progress of transfers, for the caller's progress line. Both numbers shrink only when a transfer starts again.
struct TransferCount {
    std::atomic<std::uint64_t> received = 0, expected = 0; // bytes; expected: the sum of sizes that servers announced
    std::uint64_t total() const { return received <= expected ? expected.load() : 0; } // 0 = unknown
};

class Fetcher {
  public:
    static Result<std::unique_ptr<Fetcher>> make(FetchOptions options);
    virtual ~Fetcher() = default;
    // All or the first error (kind network: unreachable, 401, 404, TLS, login page, hash mismatch – with what to do;
    // kind usage for a local file that is missing or does not match its hash). Order of results = order of downloads.
    virtual Result<std::vector<Fetched>> fetch(const std::vector<Download>& downloads) = 0;
    // `accept` is the Accept header. 404 is not an error here: status says it. Thread-safe.
    virtual Result<Document> get(const std::string& url, const std::string& accept) = 0;
    // `count` bytes of a remote file from `first` on, or its last `count` bytes. It never transfers more than `count`
    // bytes (it leaves a server that ignores ranges at once) and caches nothing; --offline is an error. Thread-safe. A
    // fetcher without this ability sets `refused`.
    virtual Result<RangeReply> range(const std::string& url, std::uint64_t first, std::uint64_t count, bool from_end);
    // `to` is replaced when status is 200 (not atomically). An answer of more than `limit` bytes is an error. So is
    // --offline, because the caller caches its own form of the document. It reports no messages; `count` grows.
    // Thread-safe. http and https only.
    virtual Result<FileDocument> get_file(const std::string& url, const Validators& known, const fs::path& to,
                                          std::uint64_t limit, TransferCount& count);
    virtual bool offline() const { return false; }
    // FetchOptions::cache_root.
    virtual fs::path cache_root() const { return cache_directory(); }
};

} // namespace tinderbox::fetch
