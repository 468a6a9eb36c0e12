#include "generator/fetch/transfer.hpp"

#include "common/base/budget.hpp"
#include "common/base/interruption.hpp"
#include "common/base/process.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/base/url.hpp"
#include "generator/fetch/url.hpp"

#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <thread>

namespace tinderbox::fetch {
namespace {

constexpr int redirect_limit = 10;
// Limits for answers in memory, in bytes after decompression. The largest page of an index has some 30 MB.
constexpr std::uint64_t page_limit = 128ull << 20;
constexpr std::uint64_t error_page_limit = 16ull << 20; // for any status from 300 on

// What is waited for one answer: a page, which is some megabytes; a channel's index; an artifact of gigabytes over a
// slow line. A server that sends a byte a second would be waited for without an end.
constexpr Budget page_budget{.seconds = 3600}, index_budget{.seconds = 24 * 3600},
    artifact_budget{.seconds = 96 * 3600};
// Bytes a second; less for as long as the stall timeout is a stall. Eight connections may share a slow modem.
constexpr long slowest_document = 256, slowest_artifact = 64;

bool is_insecure_host(const FetchOptions& options, const Url& url) {
    return std::ranges::any_of(options.insecure_hosts, [&](const std::string& named) {
        std::string host = to_lower(named);
        return host == url.host || host == url.host + ":" + url.port;
    });
}

struct CurlDelete {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

// Each thread has one handle, which keeps connections open between artifacts of one host.
CURL* thread_handle() {
    static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (global != CURLE_OK) return nullptr;
    thread_local std::unique_ptr<CURL, CurlDelete> handle(curl_easy_init());
    if (handle) curl_easy_reset(handle.get());
    return handle.get();
}

struct Exchange {
    TransferRequest& request;
    TransferReply& reply;
    std::uint64_t written = 0; // body bytes of this exchange
    std::uint64_t length = 0;
    long status = 0;
    std::string redirect;
    int retry_after = -1;
    Status failure; // an error of this program (a full disk, a limit), and none of the network
    CURL* handle = nullptr;
};

std::size_t on_header(char* data, std::size_t one, std::size_t count, void* user) {
    auto& x = *static_cast<Exchange*>(user);
    std::string_view line = trim({data, one * count});
    if (line.starts_with("HTTP/")) { // a new response: drop the headers of an earlier one (status 100, a proxy's)
        x.reply.etag.clear();
        x.reply.last_modified.clear();
        x.reply.content_type.clear();
        x.reply.cache_control.clear();
        x.reply.content_range.clear();
        x.reply.age = 0;
        return count;
    }
    auto colon = line.find(':');
    if (colon == std::string_view::npos) return count;
    std::string name = to_lower(line.substr(0, colon));
    std::string value(trim(line.substr(colon + 1)));
    if (name == "etag") x.reply.etag = value;
    else if (name == "last-modified") x.reply.last_modified = value;
    else if (name == "content-type") x.reply.content_type = value;
    else if (name == "cache-control") x.reply.cache_control = to_lower(value);
    else if (name == "content-range") x.reply.content_range = to_lower(value);
    else if (name == "age") std::from_chars(value.data(), value.data() + value.size(), x.reply.age);
    else if (name == "retry-after") std::from_chars(value.data(), value.data() + value.size(), x.retry_after);
    return count;
}

std::uint64_t limit_of(const Exchange& x) {
    if (x.status >= 300) return error_page_limit;
    return x.request.file < 0 ? std::min(x.request.size_limit, page_limit) : x.request.size_limit;
}

Error too_large(const Exchange& x) {
    const std::string shown = without_credentials(x.request.url);
    if (x.request.file >= 0 && !x.request.document && x.status < 300)
        return make_error(ErrorKind::network, "{}: the server sends more than the {} bytes that were expected", shown,
                          x.request.size_limit);
    return make_error(ErrorKind::network, "{}: the answer is larger than {}, the most that is taken of it", shown,
                      format_bytes(limit_of(x)));
}

std::size_t on_body(char* data, std::size_t one, std::size_t count, void* user) {
    auto& x = *static_cast<Exchange*>(user);
    ByteView bytes(reinterpret_cast<const std::byte*>(data), one * count);
    if (x.status == 0) {
        curl_easy_getinfo(x.handle, CURLINFO_RESPONSE_CODE, &x.status);
        curl_off_t length = -1;
        curl_easy_getinfo(x.handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
        if (x.request.resume_from > 0 && x.status == 200) { // the range was ignored
            x.reply.restarted = true;
            if (x.request.received) *x.request.received -= x.request.resume_from;
            x.request.resume_from = 0;
            if (x.request.file >= 0 && ::ftruncate(x.request.file, 0) != 0) {
                x.failure = errno_error("cannot empty the partial download", errno);
                return 0;
            }
        }
        // With a Content-Length the answer can be refused before it is transferred.
        if (length > 0 && x.status < 300 && x.request.range.empty() &&
            x.request.resume_from + static_cast<std::uint64_t>(length) > limit_of(x)) {
            x.failure = too_large(x);
            return 0;
        }
        if (length > 0 && x.status < 300 && x.request.expected && x.length == 0) {
            x.length = static_cast<std::uint64_t>(length);
            *x.request.expected += x.length;
        }
    }
    if (!x.request.range.empty() && x.status < 300 && x.reply.body.size() + bytes.size() > x.request.size_limit) {
        x.reply.range_ignored = true; // the whole file would follow
        curl_off_t length = -1;
        curl_easy_getinfo(x.handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
        if (length > 0) x.reply.length = static_cast<std::uint64_t>(length);
        return 0;
    }
    if (x.status >= 300 || x.request.file < 0) {
        if (x.reply.body.size() + bytes.size() > limit_of(x)) {
            x.failure = too_large(x);
            return 0;
        }
        x.reply.body += as_text(bytes);
        return count;
    }
    std::uint64_t at = x.request.resume_from + x.written;
    if (at + bytes.size() > limit_of(x)) {
        x.failure = too_large(x);
        return 0;
    }
    Status status = write_exact_at(x.request.file, bytes, at, "the download cache");
    if (!status.ok()) {
        x.failure = std::move(status);
        return 0;
    }
    x.written += bytes.size();
    if (x.request.received) *x.request.received += bytes.size();
    return count;
}

Error tls_error(const std::string& host, std::string_view detail) {
    return make_error(
        ErrorKind::network,
        "the TLS certificate of '{}' is not trusted ({}); if a proxy or a private index signs with its own "
        "authority, name that authority's file in SSL_CERT_FILE",
        host, detail);
}

bool transient(CURLcode code) {
    switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SSL_CONNECT_ERROR:
        return true;
    default:
        return false;
    }
}

enum class Outcome { done, again, failed };

struct Attempt {
    Outcome outcome = Outcome::failed;
    Error error;
    int retry_after = -1;
    bool stalled = false; // it answered, and then hardly went on
};

// Called at least once a second, also while nothing arrives.
int on_progress(void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return check_interrupted().ok() ? 0 : 1; }

bool is_document(const TransferRequest& request) { return request.file < 0 || request.document; }

const Budget& budget_of(const TransferRequest& request) {
    return request.file < 0 ? page_budget : request.document ? index_budget : artifact_budget;
}

void configure(CURL* handle, const FetchOptions& options, const Url& url, Exchange& x, curl_slist* headers) {
    static const std::string machine_bundle = ca_bundle();
    const std::string& bundle = options.ca_file.empty() ? machine_bundle : options.ca_file;
    curl_easy_setopt(handle, CURLOPT_URL, x.request.url.c_str());
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "tinderbox/0.1");
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, &x);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &x);
    // Tinderbox follows redirects itself, so that each hop is held to the transport policy.
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, 20L);
    const bool document = is_document(x.request);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, document ? slowest_document : slowest_artifact);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME,
                     std::max(1L, static_cast<long>(options.stall_timeout_seconds / (document ? 2 : 1))));
    curl_easy_setopt(handle, CURLOPT_TIMEOUT, static_cast<long>(budget_of(x.request).seconds));
    curl_easy_setopt(handle, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_OPTIONAL));
    if (std::string netrc = environment_variable("NETRC"); !netrc.empty())
        curl_easy_setopt(handle, CURLOPT_NETRC_FILE, netrc.c_str());
    if (!bundle.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, bundle.c_str());
    if (is_insecure_host(options, url)) {
        curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    // Not CURLOPT_RESUME_FROM: with it a server that sends the whole file is an error, and here that is welcome.
    std::string range = fmt::format("{}-", x.request.resume_from);
    if (x.request.resume_from > 0) curl_easy_setopt(handle, CURLOPT_RANGE, range.c_str());
    // A document may be compressed by the server on the way.
    if ((x.request.file < 0 && x.request.range.empty()) || x.request.document)
        curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, "");
    if (!x.request.range.empty()) curl_easy_setopt(handle, CURLOPT_RANGE, x.request.range.c_str());
}

Attempt judge_status(const FetchOptions&, const std::string& shown, const std::string& host, long status) {
    switch (status) {
    case 401:
    case 407:
        return {Outcome::failed,
                make_error(ErrorKind::network,
                           "{} asks for a login (HTTP {}); put one for '{}' into ~/.netrc or into the index's URL",
                           shown, status, host)};
    case 403:
        return {Outcome::failed,
                make_error(ErrorKind::network,
                           "{} is forbidden (HTTP 403); the login for '{}' may not have access to it", shown, host)};
    case 408:
    case 429:
        return {Outcome::again,
                make_error(ErrorKind::network, "{}: the server asks to come back later (HTTP {})", shown, status)};
    case 416:
        return {Outcome::again,
                make_error(ErrorKind::network, "{}: the partial download does not fit (HTTP 416)", shown)};
    default:
        break;
    }
    if (status >= 500)
        return {Outcome::again,
                make_error(ErrorKind::network, "{}: the server failed (HTTP {}); try again later", shown, status)};
    return {Outcome::failed, make_error(ErrorKind::network, "{}: the server answered HTTP {}", shown, status)};
}

// The next attempt continues behind the bytes that arrived.
void keep_received(TransferRequest& request, const TransferReply& reply, const Exchange& x) {
    if (request.document) { // after a compressed transfer the file's size is not the number of bytes received
        if (request.received) *request.received -= x.written;
        (void)::ftruncate(request.file, 0);
    } else if (request.file >= 0 && x.status > 0 && x.status < 300) {
        request.resume_from += x.written;
    }
    if (request.expected && x.length > 0) *request.expected -= x.length;
    if (request.if_range.empty()) request.if_range = reply.etag.starts_with("W/") ? "" : reply.etag;
}

// What an HTTP answer means for the transfer.
Attempt judge_answer(const FetchOptions& options, TransferRequest& request, const std::string& host, Exchange& x) {
    const std::string shown = without_credentials(request.url);
    if (x.status == 301 || x.status == 302 || x.status == 303 || x.status == 307 || x.status == 308) {
        char* location = nullptr;
        curl_easy_getinfo(x.handle, CURLINFO_REDIRECT_URL, &location);
        x.redirect = location ? location : "";
        if (x.redirect.empty())
            return {Outcome::failed, make_error(ErrorKind::network, "{}: a redirect without a target", shown)};
        request.url = x.redirect;
        return {Outcome::done, {}};
    }
    if (x.status == 200 || x.status == 206 || x.status == 304 || x.status == 404 || x.status == 410)
        return {Outcome::done, {}};
    if (x.status == 416 && !request.range.empty()) return {Outcome::done, {}};
    // An index has several forms, and some servers answer "forbidden" for a form that they lack.
    if (request.document && (x.status == 401 || x.status == 403)) return {Outcome::done, {}};
    if (x.status == 416) { // start again from the first byte
        if (request.received) *request.received -= request.resume_from;
        request.resume_from = 0;
        if (request.file >= 0 && ::ftruncate(request.file, 0) != 0)
            return {Outcome::failed, errno_error("cannot empty the partial download", errno)};
    }
    auto judged = judge_status(options, shown, host, x.status);
    judged.retry_after = x.retry_after;
    return judged;
}

Attempt attempt(const FetchOptions& options, TransferRequest& request, TransferReply& reply) {
    CURL* handle = thread_handle();
    if (!handle) return {Outcome::failed, make_error(ErrorKind::bug, "libcurl cannot be initialised")};
    const Url url = Url::parse(request.url);
    reply = {};
    Exchange x{request, reply, 0, 0, 0, {}, -1, {}, handle};
    std::unique_ptr<curl_slist, CurlDelete> headers;
    auto header = [&](const std::string& line) { headers.reset(curl_slist_append(headers.release(), line.c_str())); };
    for (const std::string& line : request.headers) header(line);
    if (request.resume_from > 0 && !request.if_range.empty()) header("If-Range: " + request.if_range);
    configure(handle, options, url, x, headers.get());
    char message[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, message);
    CURLcode code = curl_easy_perform(handle);
    std::string_view detail = message[0] ? message : curl_easy_strerror(code);

    if (reply.range_ignored) {
        reply.status = static_cast<int>(x.status);
        reply.body.clear();
        return {Outcome::done, {}};
    }
    if (!x.failure.ok()) return {Outcome::failed, std::move(x.failure).error()};
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        return {Outcome::failed, tls_error(url.host, detail)};
    const std::string shown = without_credentials(request.url);
    if (curl_off_t total = 0; code == CURLE_OPERATION_TIMEDOUT &&
                              curl_easy_getinfo(handle, CURLINFO_TOTAL_TIME_T, &total) == CURLE_OK &&
                              total / 1'000'000 >= static_cast<curl_off_t>(budget_of(request).seconds))
        return {Outcome::failed, over_budget(ErrorKind::network, shown, Resource::seconds, budget_of(request).seconds)};
    if (code != CURLE_OK) {
        keep_received(request, reply, x);
        return {transient(code) ? Outcome::again : Outcome::failed,
                make_error(ErrorKind::network, "{}: {}; check the network, or the proxy variables", shown, detail), -1,
                code == CURLE_OPERATION_TIMEDOUT && x.status > 0};
    }
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &x.status);
    reply.status = static_cast<int>(x.status);
    reply.final_url = request.url;
    return judge_answer(options, request, url.host, x);
}

} // namespace

std::string ca_bundle() {
    std::error_code ignored;
    for (const char* name : {"SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "PIP_CERT"})
        if (std::string path = environment_variable(name); !path.empty() && fs::is_regular_file(path, ignored))
            return path;
    for (const char* path :
         {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
          "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem"})
        if (fs::is_regular_file(path, ignored)) return path;
    return "";
}

Status check_transport(const FetchOptions& options, const std::string& text) {
    Url url = Url::parse(text);
    if (url.scheme == "https") return {};
    if (url.scheme != "http")
        return make_error(ErrorKind::network, "'{}' has a scheme that cannot be downloaded; use https",
                          without_credentials(text));
    if (is_loopback_host(url.host) || is_insecure_host(options, url)) return {};
    return make_error(
        ErrorKind::network,
        "'{}' is plain http, which anyone on the way can change; use https, or allow the host: --insecure-host {}",
        without_credentials(text), url.host);
}

Result<TransferReply> transfer(const FetchOptions& options, TransferRequest request) {
    TransferReply reply;
    const std::string first_url = request.url;
    int redirects = 0;
    for (int tries = 0;;) {
        TRY(check_transport(options, request.url));
        const std::string asked = request.url;
        Attempt result = attempt(options, request, reply);
        TRY(check_interrupted());
        if (result.outcome == Outcome::done) {
            bool redirected = reply.status >= 301 && reply.status <= 308 && reply.status != 304;
            if (!redirected) return reply;
            if (++redirects > redirect_limit)
                return make_error(ErrorKind::network, "{}: the server redirects in a circle",
                                  without_credentials(first_url));
            TRY(check_reference(asked, request.url).in(without_credentials(asked) + ": in a redirect"));
            continue;
        }
        // A server that lets a page trickle does so again: its answer is not worth five times the wait.
        const int retries = result.stalled && is_document(request) ? std::min(options.retries, 1) : options.retries;
        if (result.outcome == Outcome::failed || tries >= retries) return std::move(result.error);
        double wait = 0.5 * static_cast<double>(1 << tries++);
        if (result.retry_after >= 0) wait = std::min(result.retry_after, 30);
        for (; wait > 0; wait -= 0.1) {
            TRY(check_interrupted());
            std::this_thread::sleep_for(std::chrono::duration<double>(std::min(wait, 0.1)));
        }
        // A redirect may lead to a signed URL that has expired: ask the first URL again.
        request.url = first_url;
        redirects = 0;
    }
}

} // namespace tinderbox::fetch
