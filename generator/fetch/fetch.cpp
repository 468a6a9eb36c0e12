#include "generator/fetch/fetch.hpp"

#include "generator/fetch/cache_path.hpp"

#include "common/base/parallel.hpp"
#include "common/base/progress.hpp"
#include "common/base/terminal.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/fetch/transfer.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <ctime>

namespace tinderbox {

using nlohmann::json;

namespace {

constexpr std::int64_t longest_freshness = 600; // seconds

struct Hashes {
    std::string sha256, md5;
    std::uint64_t size = 0;
};

Result<Hashes> hash_file(const fs::path& path, bool with_md5) {
    TRY_ASSIGN(Fd fd, open_file(path, O_RDONLY));
    (void)::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    Sha256 sha;
    Md5 md5;
    Hashes out;
    Bytes buffer(1u << 20);
    for (;;) {
        ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno_error("cannot read '" + path.string() + "'", errno);
        if (n == 0) break;
        ByteView piece = ByteView(buffer).first(static_cast<std::size_t>(n));
        sha.update(piece);
        if (with_md5) md5.update(piece);
        out.size += static_cast<std::uint64_t>(n);
    }
    out.sha256 = to_hex(sha.finish());
    if (with_md5) out.md5 = to_hex(md5.finish());
    return out;
}

// Hashing gigabytes that did not change since the last time is skipped: the file's identity is remembered.
std::string identity(const struct stat& st) {
    return fmt::format("{} {} {} {}.{:09} {}.{:09}", st.st_dev, st.st_ino, st.st_size, st.st_mtim.tv_sec,
                       st.st_mtim.tv_nsec, st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

std::string key_of(std::string_view text) { return to_hex(sha256(as_bytes(text))); }

// A page where an artifact was expected: a captive portal, a login form, an error page with status 200.
bool looks_like_html(const fs::path& path) {
    auto head = open_file(path, O_RDONLY);
    if (!head.ok()) return false;
    char buffer[512] = {};
    ssize_t n = ::pread(head->get(), buffer, sizeof buffer - 1, 0);
    std::string text = to_lower(trim({buffer, static_cast<std::size_t>(std::max<ssize_t>(n, 0))}));
    return text.starts_with("<!doctype html") || text.starts_with("<html");
}

class CurlFetcher final : public Fetcher {
  public:
    explicit CurlFetcher(FetchOptions options) : options_(std::move(options)) {
        if (options_.cache_root.empty()) options_.cache_root = cache_directory();
    }

    Status prepare() {
        for (const char* part : {"artifacts/sha256", "artifacts/known", "artifacts/partial", "documents"})
            TRY(make_directories(options_.cache_root / part));
        return {};
    }

    Result<std::vector<Fetched>> fetch(const std::vector<Download>& downloads) override {
        std::vector<Fetched> out(downloads.size());
        count_.received = 0;
        count_.expected = 0;
        Status status;
        {
            ProgressLine line([this] { return ProgressLine::State{"downloading", count_.received, count_.total()}; });
            status = parallel_for(downloads.size(), options_.connections, [&](std::size_t i) -> Status {
                TRY_ASSIGN(out[i], fetch_one(downloads[i]));
                return {};
            });
        }
        if (!status.ok()) return std::move(status).error();
        return out;
    }

    Result<Document> get(const std::string& url, const std::string& accept) override {
        if (!is_url(url) || Url::parse(url).scheme == "file") return local_document(url);
        fs::path base = options_.cache_root / "documents" / key_of(without_credentials(url) + "\n" + accept);
        json known = read_json(base.string() + ".json");
        if (!options_.offline && is_fresh(known)) {
            if (auto stored = stored_document(base, known)) return stored;
        }
        if (options_.offline) {
            if (known.is_null())
                return make_error(ErrorKind::network,
                                  "--offline: '{}' is not in the cache; build once without --offline",
                                  without_credentials(url));
            return stored_document(base, known);
        }
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
        // That an index does not have a project is an answer, too: --offline has to give it again.
        if (reply.status == 200 || reply.status == 404) {
            json info = {{"url", without_credentials(document.url)},
                         {"content_type", document.content_type},
                         {"status", reply.status}};
            if (auto until = fresh_until(reply); until > 0) info["fresh_until"] = until;
            if (!reply.etag.empty()) info["etag"] = reply.etag;
            if (!reply.last_modified.empty()) info["last_modified"] = reply.last_modified;
            TRY(write_atomically(base.string() + ".body", document.body));
            TRY(write_atomically(base.string() + ".json", info.dump()));
        }
        return document;
    }

    Result<Piece> range(const std::string& url, std::uint64_t first, std::uint64_t count, bool from_end) override {
        if (options_.offline)
            return make_error(ErrorKind::network, "--offline: '{}' is not in the cache; build once without --offline",
                              without_credentials(url));
        TransferRequest request;
        request.url = url;
        request.range = from_end ? fmt::format("-{}", count) : fmt::format("{}-{}", first, first + count - 1);
        request.size_limit = count;
        TRY_ASSIGN(TransferReply reply, transfer(options_, request));
        Piece out;
        out.status = reply.status;
        out.refused = reply.range_ignored || reply.status == 416;
        if (reply.status == 206 && !parse_content_range(reply.content_range, out)) out.refused = true;
        if (reply.status == 200) // the whole file, when it is no longer than `count`
            out.total = reply.range_ignored ? reply.length : reply.body.size();
        out.bytes = std::move(reply.body);
        if (out.status == 206 && out.bytes.size() > count) out.refused = true;
        return out;
    }

    Result<FileDocument> get_file(const std::string& url, const Validators& known, const fs::path& to,
                                  std::uint64_t limit, TransferCount& count) override {
        if (options_.offline)
            return make_error(ErrorKind::network, "--offline: '{}' is not in the cache; build once without --offline",
                              without_credentials(url));
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

    bool offline() const override { return options_.offline; }
    fs::path cache_root() const override { return options_.cache_root; }

  private:
    // "bytes 100-199/1000"
    static bool parse_content_range(std::string_view text, Piece& out) {
        if (!text.starts_with("bytes ")) return false;
        text.remove_prefix(6);
        auto dash = text.find('-'), slash = text.find('/');
        if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) return false;
        auto number = [](std::string_view digits, std::uint64_t& value) {
            auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
            return error == std::errc() && end == digits.data() + digits.size();
        };
        return number(text.substr(0, dash), out.first) && number(text.substr(slash + 1), out.total);
    }

    static std::int64_t now() { return static_cast<std::int64_t>(std::time(nullptr)); }

    // A clock that was set back must not make a copy valid for years.
    static bool is_fresh(const json& info) {
        if (!info.is_object()) return false;
        auto until = info.value("fresh_until", std::int64_t{0});
        return until > now() && until <= now() + longest_freshness;
    }

    // Seconds since 1970, 0: ask again each time.
    static std::int64_t fresh_until(const TransferReply& reply) {
        for (const char* word : {"no-cache", "no-store"})
            if (reply.cache_control.find(word) != std::string::npos) return 0;
        auto at = reply.cache_control.find("max-age=");
        if (at == std::string::npos || (at > 0 && reply.cache_control[at - 1] == '-')) return 0; // not s-maxage
        std::int64_t seconds = 0;
        const char* begin = reply.cache_control.data() + at + 8;
        std::from_chars(begin, reply.cache_control.data() + reply.cache_control.size(), seconds);
        seconds = std::min(seconds - reply.age, longest_freshness);
        return seconds > 0 ? now() + seconds : 0;
    }

    static json read_json(const fs::path& path) {
        auto text = read_text(path);
        if (!text.ok()) return nullptr;
        json j = json::parse(*text, nullptr, false);
        return j.is_discarded() ? json(nullptr) : j;
    }

    static Result<Document> local_document(const std::string& url) {
        std::string path = Url::parse(url).scheme == "file" ? file_url_to_path(url) : url;
        std::error_code ignored;
        if (!fs::exists(path, ignored)) return Document{"", url, "", 404};
        TRY_ASSIGN(std::string body, read_text(path));
        return Document{std::move(body), url, path.ends_with(".json") ? "application/json" : "text/html", 200};
    }

    static Result<Document> stored_document(const fs::path& base, const json& info) {
        TRY_ASSIGN(std::string body, read_text(base.string() + ".body"));
        return Document{std::move(body), info.value("url", ""), info.value("content_type", ""),
                        info.value("status", 200)};
    }

    // ---- artifacts ------------------------------------------------------------------------------------

    fs::path content_path(const std::string& sha, const std::string& name) const {
        return artifact_path(options_.cache_root, sha, name);
    }

    Result<Fetched> fetch_one(const Download& d) {
        if (!is_url(d.url) || Url::parse(d.url).scheme == "file") return local_file(d);
        if (auto found = cached(d)) return *std::move(found);
        if (options_.offline)
            return make_error(ErrorKind::network, "--offline: '{}' is not in the cache; build once without --offline",
                              d.name);
        // Of two builds that want the same artifact one downloads, the other waits and finds it.
        fs::path partial = options_.cache_root / "artifacts" / "partial" /
                           (d.sha256.empty() ? key_of(without_credentials(d.url)) : d.sha256);
        TRY_ASSIGN(FileLock lock, FileLock::acquire(partial.string() + ".lock", [&] {
                       Terminal::get().note("waiting", "for another build that downloads " + d.name);
                   }));
        if (auto found = cached(d)) return *std::move(found);
        return download(d, partial);
    }

    Result<Fetched> local_file(const Download& d) {
        std::string path = Url::parse(d.url).scheme == "file" ? file_url_to_path(d.url) : d.url;
        struct stat st;
        if (::stat(path.c_str(), &st) != 0) return errno_error("cannot read '" + path + "'", errno, ErrorKind::usage);
        TRY_ASSIGN(Hashes hashes, known_hashes(path, st, !d.md5.empty()));
        TRY(check(d, hashes, path, ErrorKind::usage));
        return Fetched{path, hashes.sha256, hashes.size, true};
    }

    Result<Hashes> known_hashes(const std::string& path, const struct stat& st, bool with_md5) {
        fs::path memo = options_.cache_root / "artifacts" / "known" / key_of(path);
        json known = read_json(memo);
        if (known.is_object() && known.value("identity", "") == identity(st) && (!with_md5 || known.contains("md5")))
            return Hashes{known.value("sha256", ""), known.value("md5", ""), static_cast<std::uint64_t>(st.st_size)};
        TRY_ASSIGN(Hashes hashes, hash_file(path, with_md5));
        json info = {{"identity", identity(st)}, {"sha256", hashes.sha256}};
        if (with_md5) info["md5"] = hashes.md5;
        (void)write_atomically(memo, info.dump()); // only a memory: failing to write it costs time, nothing else
        return hashes;
    }

    static Status check(const Download& d, const Hashes& found, const std::string& where, ErrorKind kind) {
        if (!d.sha256.empty() && to_lower(d.sha256) != found.sha256)
            return make_error(kind, "{}: the SHA-256 is {}, {} was expected; the file was changed or damaged", where,
                              found.sha256, to_lower(d.sha256));
        if (!d.md5.empty() && to_lower(d.md5) != found.md5)
            return make_error(kind, "{}: the MD5 is {}, {} was expected; the file was changed or damaged", where,
                              found.md5, to_lower(d.md5));
        if (d.size != 0 && d.size != found.size)
            return make_error(kind, "{}: it has {} bytes, {} were expected", where, found.size, d.size);
        return {};
    }

    // What is known only by MD5 or by URL is found through a memo from that to the SHA-256.
    fs::path memo_of(const Download& d) const {
        std::string key = d.md5.empty() ? "url " + without_credentials(d.url) : "md5 " + to_lower(d.md5);
        return options_.cache_root / "artifacts" / "known" / key_of(key);
    }

    std::optional<Fetched> cached(const Download& d) {
        std::string sha = to_lower(d.sha256);
        if (sha.empty()) {
            // A bare URL may serve new bytes under its old name: trusted only when there is no network to ask.
            if (d.md5.empty() && !options_.offline) return std::nullopt;
            sha = read_json(memo_of(d)).is_object() ? read_json(memo_of(d)).value("sha256", "") : "";
            if (sha.empty()) return std::nullopt;
        }
        fs::path path = content_path(sha, d.name);
        struct stat st;
        if (::stat(path.c_str(), &st) != 0) return std::nullopt;
        auto hashes = known_hashes(path.string(), st, !d.md5.empty());
        if (!hashes.ok() || hashes->sha256 != sha || !check(d, *hashes, "", ErrorKind::network).ok()) {
            std::error_code ignored; // damaged since: download it again
            fs::remove(path, ignored);
            return std::nullopt;
        }
        return Fetched{path, sha, hashes->size, true};
    }

    Result<Fetched> download(const Download& d, const fs::path& partial) {
        const std::string shown = without_credentials(d.url);
        for (int round = 0;; ++round) {
            fs::path part = partial.string() + ".part";
            TRY_ASSIGN(Fd fd, open_file(part, O_RDWR | O_CREAT, 0600));
            TRY_ASSIGN(std::uint64_t have, file_size(fd.get(), part.string()));
            // Without a hash nothing would tell that the two halves belong together.
            if ((d.sha256.empty() && d.md5.empty()) || (d.size != 0 && have >= d.size) || round > 0) {
                have = 0;
                if (::ftruncate(fd.get(), 0) != 0) return errno_error("cannot empty '" + part.string() + "'", errno);
            }
            TransferRequest request;
            request.url = d.url;
            request.file = fd.get();
            request.resume_from = have;
            request.received = &count_.received;
            request.expected = &count_.expected;
            if (d.size != 0) request.size_limit = d.size;
            count_.received += have;
            count_.expected += have;
            TRY_ASSIGN(TransferReply reply, transfer(options_, request));
            if (reply.status == 404 || reply.status == 410)
                return make_error(ErrorKind::network,
                                  "{}: not found (HTTP {}); the file was removed or the URL has a mistake", shown,
                                  reply.status);
            TRY_ASSIGN(Hashes hashes, hash_file(part, !d.md5.empty()));
            Status right = check(d, hashes, shown, ErrorKind::network);
            if (!right.ok()) {
                bool html = looks_like_html(part);
                std::error_code ignored;
                fs::remove(part, ignored);
                if (html)
                    return make_error(
                        ErrorKind::network,
                        "{}: the server sent a web page instead of the file; a login or a proxy's notice is in the way",
                        shown);
                // A resumed half may be from another version of the file: once more from the start.
                if (have > 0 && round == 0) continue;
                return std::move(right).error();
            }
            if (d.sha256.empty() && d.md5.empty() && looks_like_html(part))
                return make_error(
                    ErrorKind::network,
                    "{}: the server sent a web page instead of the file; a login or a proxy's notice is in the way",
                    shown);
            fs::path path = content_path(hashes.sha256, d.name);
            TRY(make_directories(path.parent_path()));
            if (::fchmod(fd.get(), 0644) != 0 || ::fsync(fd.get()) != 0 || ::rename(part.c_str(), path.c_str()) != 0)
                return errno_error("cannot store '" + path.string() + "'", errno);
            struct stat st;
            if (::stat(path.c_str(), &st) == 0) {
                json info = {{"identity", identity(st)}, {"sha256", hashes.sha256}};
                if (!hashes.md5.empty()) info["md5"] = hashes.md5;
                (void)write_atomically(options_.cache_root / "artifacts" / "known" / key_of(path.string()),
                                       info.dump());
            }
            if (d.sha256.empty()) TRY(write_atomically(memo_of(d), json({{"sha256", hashes.sha256}}).dump()));
            return Fetched{path, hashes.sha256, hashes.size, false};
        }
    }

    FetchOptions options_;
    TransferCount count_; // of fetch()
};

} // namespace

Result<Piece> Fetcher::range(const std::string&, std::uint64_t, std::uint64_t, bool) {
    Piece out;
    out.refused = true;
    return out;
}

Result<FileDocument> Fetcher::get_file(const std::string& url, const Validators&, const fs::path& to,
                                       std::uint64_t limit, TransferCount& count) {
    TRY_ASSIGN(Document document, get(url, ""));
    if (document.body.size() > limit)
        return make_error(ErrorKind::network, "{}: the answer is larger than {} bytes", without_credentials(url),
                          limit);
    count.received += document.body.size();
    if (document.status == 200) TRY(write_atomically(to, document.body));
    return FileDocument{document.status, "", "", document.url, document.body.size(), 0};
}

Result<std::unique_ptr<Fetcher>> Fetcher::make(FetchOptions options) {
    auto fetcher = std::make_unique<CurlFetcher>(std::move(options));
    TRY(fetcher->prepare());
    return std::unique_ptr<Fetcher>(std::move(fetcher));
}

} // namespace tinderbox
