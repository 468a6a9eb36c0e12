#include "generator/fetch/store.hpp"

#include "common/base/hash_file.hpp"
#include "common/base/interruption.hpp"
#include "common/base/optional_reporter.hpp"
#include "common/base/parallel.hpp"
#include "common/base/progress.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "generator/fetch/cache_file.hpp"
#include "generator/fetch/cache_path.hpp"
#include "generator/fetch/hashes.hpp"
#include "generator/fetch/transfer.hpp"
#include "generator/fetch/url.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>

namespace tinderbox::fetch {

using nlohmann::json;

namespace {

// A file with this identity has the content that it had: gigabytes are not hashed again.
std::string identity(const struct stat& st) {
    return fmt::format("{} {} {} {}.{:09} {}.{:09}", st.st_dev, st.st_ino, st.st_size, st.st_mtim.tv_sec,
                       st.st_mtim.tv_nsec, st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
}

// A page where an artifact was expected: a captive portal, a login form, an error page with status 200.
bool looks_like_html(const fs::path& path) {
    auto head = open_file(path, O_RDONLY);
    if (!head.ok()) return false;
    char buffer[512] = {};
    ssize_t n = ::pread(head->get(), buffer, sizeof buffer - 1, 0);
    std::string text = to_lower(trim({buffer, static_cast<std::size_t>(std::max<ssize_t>(n, 0))}));
    return text.starts_with("<!doctype html") || text.starts_with("<html");
}

Error web_page_instead(const std::string& shown) {
    return make_error(ErrorKind::network,
                      "{}: the server sent a web page instead of the file; a login or a proxy's notice is in the way",
                      shown);
}

// The hashes beside the SHA-256 that the file must have, as (algorithm, hex).
std::vector<std::pair<std::string, std::string>> other_hashes(const Download& wanted) {
    std::vector<std::pair<std::string, std::string>> out;
    if (!wanted.md5.empty()) out.emplace_back("md5", to_lower(wanted.md5));
    for (const std::string& text : wanted.hashes) {
        const auto [algorithm, digest] = split_hash(text);
        out.emplace_back(to_lower(algorithm), to_lower(digest));
    }
    return out;
}

// "SHA-512" for "sha512", "SHA3-256" for "sha3_256", "MD5".
std::string standard_name(std::string_view algorithm) {
    std::string out;
    for (char c : algorithm)
        if (c != '_') out += static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    if (algorithm.starts_with("sha3_")) out.insert(4, "-");
    else if (algorithm.starts_with("sha")) out.insert(3, "-");
    return out;
}

std::vector<std::string> other_algorithms(const Download& wanted) {
    std::vector<std::string> out;
    for (auto& [algorithm, hex] : other_hashes(wanted)) out.push_back(std::move(algorithm));
    return out;
}

bool has_hash(const Download& wanted) {
    return !wanted.sha256.empty() || !wanted.md5.empty() || !wanted.hashes.empty();
}

// "" for a file that a server has.
std::string local_path(const Download& wanted) {
    if (!is_url(wanted.url)) return wanted.url;
    return Url::parse(wanted.url).scheme == "file" ? file_url_to_path(wanted.url) : "";
}

} // namespace

Status Store::make_directories() {
    for (const char* part : {"artifacts/sha256", "artifacts/known", "artifacts/partial"})
        TRY(tinderbox::make_directories(options_.cache_root / part));
    return {};
}

Result<std::vector<Fetched>> Store::fetch(const std::vector<Download>& downloads) {
    std::vector<Fetched> out(downloads.size());
    plan_progress(downloads);
    ProgressLine line(reporter_or_silent(options_.reporter), [this] {
        if (planned_ == 0 && count_.expected == 0 && count_.received == 0)
            return ProgressLine::State{"reading", hashed_, to_hash_};
        const std::uint64_t received = count_.received, total = std::max(planned_, count_.total());
        return ProgressLine::State{"downloading", received, received <= total ? total : 0};
    });
    TRY(parallel_for(downloads.size(), options_.connections, [&](std::size_t i) -> Status {
        TRY_ASSIGN(out[i], fetch_one(downloads[i]));
        return {};
    }));
    return out;
}

// Servers announce a size only when its transfer begins; an index or a lock has most of them before.
void Store::plan_progress(const std::vector<Download>& downloads) {
    count_.received = count_.expected = 0;
    planned_ = to_hash_ = 0;
    hashed_ = 0;
    for (const Download& one : downloads) {
        const std::string path = local_path(one);
        struct stat st;
        std::error_code ec;
        if (path.empty()) {
            const bool stored = !one.sha256.empty() && fs::exists(content_path(to_lower(one.sha256), one.name), ec);
            if (!stored && !options_.offline) planned_ += one.size;
        } else if (::stat(path.c_str(), &st) == 0 && !remembered_hashes(path, st, other_algorithms(one))) {
            to_hash_ += static_cast<std::uint64_t>(st.st_size);
        }
    }
}

Result<Fetched> Store::fetch_one(const Download& wanted) {
    // The name becomes one of the store. It may come from a server's page.
    if (wanted.name.empty() || wanted.name == "." || wanted.name == ".." ||
        wanted.name.find_first_of(std::string_view("/\0", 2)) != std::string::npos)
        return make_error(ErrorKind::network, "{}: '{}' is no name of a file", without_credentials(wanted.url),
                          wanted.name);
    // Files of a person's own are judged where they are read: this hash is an index's.
    for (const std::string& text : wanted.hashes)
        if (Status good = check_hash(text); !good.ok())
            return make_error(ErrorKind::network, "{}: {}", wanted.name, good.error().message);
    if (!local_path(wanted).empty()) return local_file(wanted);
    TRY_ASSIGN(auto found, cached(wanted));
    if (found) return *std::move(found);
    if (options_.offline)
        return make_error(ErrorKind::network, "--offline: '{}' is not in the cache; build once without --offline",
                          wanted.name);
    // Of two builds that want the same artifact, one downloads it; the other waits, and finds it in the store.
    const fs::path partial = options_.cache_root / "artifacts" / "partial" /
                             (wanted.sha256.empty() ? cache_key(without_credentials(wanted.url)) : wanted.sha256);
    TRY_ASSIGN(
        FileLock lock, FileLock::acquire(partial.string() + ".lock", [&] {
            reporter_or_silent(options_.reporter).note("waiting", "for another build that downloads " + wanted.name);
        }));
    TRY_ASSIGN(found, cached(wanted));
    if (found) return *std::move(found);
    return download(wanted, partial);
}

Result<Fetched> Store::local_file(const Download& wanted) {
    const std::string path = local_path(wanted);
    struct stat st;
    if (::stat(path.c_str(), &st) != 0) return errno_error("cannot read '" + path + "'", errno, ErrorKind::usage);
    TRY_ASSIGN(Found hashes, known_hashes(path, st, other_algorithms(wanted)));
    TRY(check(wanted, hashes, path, ErrorKind::usage));
    return Fetched{path, hashes.sha256, hashes.size, true};
}

Result<std::optional<Fetched>> Store::cached(const Download& wanted) {
    const std::optional<Fetched> none;
    std::string sha = to_lower(wanted.sha256);
    if (sha.empty()) {
        // A bare URL may serve new bytes under its old name, so its alias counts only without a network.
        if (!has_hash(wanted) && !options_.offline) return none;
        const json alias = read_cached_json(alias_file(wanted));
        if (alias.is_object()) sha = alias.value("sha256", "");
        if (sha.empty()) return none;
    }
    const fs::path path = content_path(sha, wanted.name);
    struct stat st;
    if (::stat(path.c_str(), &st) != 0) return none;
    auto hashes = known_hashes(path.string(), st, other_algorithms(wanted));
    TRY(check_interrupted()); // that a hash is missing is no damage then
    if (!hashes.ok() || hashes->sha256 != sha) {
        std::error_code ignored; // the file is damaged: download it again
        fs::remove(path, ignored);
        return none;
    }
    Status right = check(wanted, *hashes, without_credentials(wanted.url), ErrorKind::network);
    if (right.ok()) return std::optional(Fetched{path, sha, hashes->size, true});
    // No download can have this SHA-256 and the other hashes; an alias may be of another file.
    if (!wanted.sha256.empty()) return std::move(right).error();
    return none;
}

Result<Fetched> Store::download(const Download& wanted, const fs::path& partial) {
    const fs::path part = partial.string() + ".part";
    const std::string shown = without_credentials(wanted.url);
    for (bool from_start = false;; from_start = true) {
        TRY_ASSIGN(const std::uint64_t resumed, receive(wanted, part, from_start));
        TRY_ASSIGN(const Found hashes, hash(part, other_algorithms(wanted)));
        Status right = check(wanted, hashes, shown, ErrorKind::network);
        if (right.ok()) {
            if (!has_hash(wanted) && looks_like_html(part)) return web_page_instead(shown);
            return publish(wanted, part, hashes);
        }
        const bool html = looks_like_html(part);
        std::error_code ignored;
        fs::remove(part, ignored);
        if (html) return web_page_instead(shown);
        // The first half may belong to another version of the file: once more from the start.
        if (resumed == 0 || from_start) return std::move(right).error();
    }
}

// Downloads into `part`, behind the bytes that an earlier try left there. Returns how many those were.
Result<std::uint64_t> Store::receive(const Download& wanted, const fs::path& part, bool from_start) {
    TRY_ASSIGN(Fd fd, open_file(part, O_RDWR | O_CREAT, 0600));
    TRY_ASSIGN(std::uint64_t have, file_size(fd.get(), part.string()));
    // Without a hash nothing would tell that the two halves belong together.
    if (from_start || !has_hash(wanted) || (wanted.size != 0 && have >= wanted.size)) {
        have = 0;
        if (::ftruncate(fd.get(), 0) != 0) return errno_error("cannot empty '" + part.string() + "'", errno);
    }
    TransferRequest request;
    request.url = wanted.url;
    request.file = fd.get();
    request.resume_from = have;
    request.received = &count_.received;
    request.expected = &count_.expected;
    if (wanted.size != 0) request.size_limit = wanted.size;
    count_.received += have;
    count_.expected += have;
    TRY_ASSIGN(TransferReply reply, transfer(options_, request));
    if (reply.status == 404 || reply.status == 410)
        return make_error(ErrorKind::network, "{}: not found (HTTP {}); the file was removed or the URL has a mistake",
                          without_credentials(wanted.url), reply.status);
    return have;
}

// Gives the checked file its name in the store.
Result<Fetched> Store::publish(const Download& wanted, const fs::path& part, const Found& hashes) {
    const fs::path path = content_path(hashes.sha256, wanted.name);
    TRY(tinderbox::make_directories(path.parent_path()));
    TRY_ASSIGN(Fd fd, open_file(part, O_RDWR));
    if (::fchmod(fd.get(), 0644) != 0 || ::fsync(fd.get()) != 0 || ::rename(part.c_str(), path.c_str()) != 0)
        return errno_error("cannot store '" + path.string() + "'", errno);
    struct stat st;
    if (::stat(path.c_str(), &st) == 0) remember_hashes(path.string(), st, hashes);
    if (wanted.sha256.empty()) TRY(write_atomically(alias_file(wanted), json({{"sha256", hashes.sha256}}).dump()));
    return Fetched{path, hashes.sha256, hashes.size, false};
}

// ---- hashes -----------------------------------------------------------------------------------------------------

Result<Store::Found> Store::hash(const fs::path& path, const Algorithms& algorithms) {
    TRY_ASSIGN(Fd fd, open_file(path, O_RDONLY));
    (void)::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    Sha256 sha256;
    std::map<std::string, Hasher> others;
    for (const std::string& algorithm : algorithms) others.try_emplace(algorithm, algorithm);
    Found out;
    TRY_ASSIGN(out.size, read_pieces(fd.get(), path.string(), {}, [&](ByteView piece) -> Status {
                   hashed_ += piece.size();
                   sha256.update(piece);
                   for (auto& [algorithm, hasher] : others) hasher.update(piece);
                   return {};
               }));
    out.sha256 = to_hex(sha256.finish());
    for (auto& [algorithm, hasher] : others) out.others[algorithm] = hasher.finish();
    return out;
}

Status Store::check(const Download& wanted, const Found& found, const std::string& where, ErrorKind kind) {
    if (!wanted.sha256.empty() && to_lower(wanted.sha256) != found.sha256)
        return make_error(kind, "{}: the SHA-256 is {}, {} was expected; the file was changed or damaged", where,
                          found.sha256, to_lower(wanted.sha256));
    for (const auto& [algorithm, hex] : other_hashes(wanted)) {
        const auto own = algorithm == "sha256" ? found.sha256 : found.others.at(algorithm);
        if (own != hex)
            return make_error(kind, "{}: the {} is {}, {} was expected; the file was changed or damaged", where,
                              standard_name(algorithm), own, hex);
    }
    if (wanted.size != 0 && wanted.size != found.size)
        return make_error(kind, "{}: it has {} bytes, {} were expected", where, found.size, wanted.size);
    return {};
}

// <cache>/artifacts/known has the hashes of files by path, valid as long as their identity is the same.
std::optional<Store::Found> Store::remembered_hashes(const std::string& path, const struct stat& st,
                                                     const Algorithms& algorithms) const {
    const json known = read_cached_json(options_.cache_root / "artifacts" / "known" / cache_key(path));
    if (!known.is_object() || known.value("identity", "") != identity(st) ||
        !std::ranges::all_of(algorithms, [&](const std::string& name) { return known.contains(name); }))
        return std::nullopt;
    Found out{known.value("sha256", ""), {}, static_cast<std::uint64_t>(st.st_size)};
    for (const std::string& name : algorithms) out.others[name] = known.value(name, "");
    return out;
}

Result<Store::Found> Store::known_hashes(const std::string& path, const struct stat& st, const Algorithms& algorithms) {
    if (auto known = remembered_hashes(path, st, algorithms)) return *std::move(known);
    TRY_ASSIGN(Found found, hash(path, algorithms));
    remember_hashes(path, st, found);
    return found;
}

void Store::remember_hashes(const std::string& path, const struct stat& st, const Found& found) const {
    json info = found.others;
    info["identity"] = identity(st);
    info["sha256"] = found.sha256;
    // A failed write costs time later, nothing else.
    (void)write_atomically(options_.cache_root / "artifacts" / "known" / cache_key(path), info.dump());
}

fs::path Store::content_path(const std::string& sha256, const std::string& name) const {
    return artifact_path(options_.cache_root, sha256, name);
}

// Says the SHA-256 of an artifact that is wanted by another hash or by its URL alone.
fs::path Store::alias_file(const Download& wanted) const {
    std::string key = "url " + without_credentials(wanted.url);
    if (const auto others = other_hashes(wanted); !others.empty())
        key = others.front().first + " " + others.front().second;
    return options_.cache_root / "artifacts" / "known" / cache_key(key);
}

} // namespace tinderbox::fetch
