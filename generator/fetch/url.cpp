#include "generator/fetch/url.hpp"

#include "common/base/last_component.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"

#include <curl/curl.h>

#include <memory>
#include <optional>

namespace tinderbox::fetch {
namespace {

struct CurlUrlDelete {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using CurlUrl = std::unique_ptr<CURLU, CurlUrlDelete>;

// libcurl is built for http and https alone, and file: is read by Tinderbox.
constexpr unsigned lenient = CURLU_NON_SUPPORT_SCHEME | CURLU_ALLOW_SPACE | CURLU_NO_AUTHORITY;

// nullopt: the URL has no such part.
std::optional<std::string> part(const CurlUrl& url, CURLUPart which) {
    char* text = nullptr;
    if (curl_url_get(url.get(), which, &text, 0) != CURLUE_OK || !text) return std::nullopt;
    std::string out = text;
    curl_free(text);
    return out;
}

// "DIR/file?query#fragment": a reference, or a path of this machine.
Url relative(std::string_view text) {
    Url url;
    if (const auto hash = text.find('#'); hash != std::string_view::npos) {
        url.fragment = text.substr(hash + 1);
        text = text.substr(0, hash);
    }
    if (const auto mark = text.find('?'); mark != std::string_view::npos) {
        url.query = text.substr(mark + 1);
        text = text.substr(0, mark);
    }
    url.path = text;
    return url;
}

Error not_a_url(std::string_view text, CURLUcode why) {
    return make_error(ErrorKind::network, "'{}' is not a URL: {}", without_credentials(text), curl_url_strerror(why));
}

} // namespace

Url Url::parse(std::string_view text) {
    const auto colon = text.find("://");
    if (colon == std::string_view::npos || colon > text.find_first_of("/?#")) return relative(text);
    const CurlUrl handle(curl_url());
    const std::string whole(text);
    Url url;
    if (!handle || curl_url_set(handle.get(), CURLUPART_URL, whole.c_str(), lenient | CURLU_PATH_AS_IS) != CURLUE_OK) {
        url.path = text;
        return url;
    }
    url.scheme = to_lower(part(handle, CURLUPART_SCHEME).value_or(""));
    url.userinfo = part(handle, CURLUPART_USER).value_or("");
    if (const auto password = part(handle, CURLUPART_PASSWORD)) url.userinfo += ":" + *password;
    url.host = to_lower(part(handle, CURLUPART_HOST).value_or(""));
    url.port = part(handle, CURLUPART_PORT).value_or("");
    url.path = part(handle, CURLUPART_PATH).value_or("");
    // libcurl says "/" for "https://host", too.
    if (text.find('/', colon + 3) == std::string_view::npos) url.path.clear();
    url.query = part(handle, CURLUPART_QUERY).value_or("");
    url.fragment = part(handle, CURLUPART_FRAGMENT).value_or("");
    return url;
}

std::string Url::origin() const { return scheme + "://" + host + (port.empty() ? "" : ":" + port); }

std::string Url::str() const {
    std::string out;
    if (!scheme.empty())
        out = scheme + "://" + (userinfo.empty() ? "" : userinfo + "@") + host + (port.empty() ? "" : ":" + port);
    out += path;
    if (!query.empty()) out += "?" + query;
    if (!fragment.empty()) out += "#" + fragment;
    return out;
}

Result<std::string> join_url(std::string_view base, std::string_view reference) {
    const CurlUrl handle(curl_url());
    if (!handle) return make_error(ErrorKind::bug, "libcurl cannot be initialised");
    constexpr unsigned flags = lenient | CURLU_URLENCODE;
    const std::string from(base), to(reference);
    if (const CURLUcode code = curl_url_set(handle.get(), CURLUPART_URL, from.c_str(), flags); code != CURLUE_OK)
        return not_a_url(base, code);
    if (const CURLUcode code = curl_url_set(handle.get(), CURLUPART_URL, to.c_str(), flags); code != CURLUE_OK)
        return not_a_url(reference, code);
    auto joined = part(handle, CURLUPART_URL);
    if (!joined)
        return make_error(ErrorKind::bug, "libcurl does not write the URL of '{}'", without_credentials(reference));
    return *std::move(joined);
}

std::string path_at(std::string_view location) {
    return is_url(location) ? percent_decode(Url::parse(location).path) : std::string(location);
}

std::string file_name_at(std::string_view location) {
    const std::string path = path_at(location);
    return std::string(last_component(path));
}

} // namespace tinderbox::fetch
