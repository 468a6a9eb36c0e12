#include "generator/fetch/url.hpp"

#include "common/base/last_component.hpp"
#include "common/base/text.hpp"
#include "common/base/url.hpp"
#include "common/base/visible.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

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

// An address in network order: 4 or 16 bytes, none for a name.
using Address = std::vector<std::uint8_t>;

Address address_of(std::string_view host) {
    std::string text(host);
    while (text.ends_with('.')) text.pop_back();
    if (in_addr v4{}; ::inet_aton(text.c_str(), &v4) != 0) {
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(&v4.s_addr);
        return {bytes, bytes + 4};
    }
    if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
    text = text.substr(0, text.find('%')); // a zone
    in6_addr v6{};
    if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return {};
    // An IPv4 address in IPv6's clothes: mapped, or compatible.
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6) || (IN6_IS_ADDR_V4COMPAT(&v6) && !IN6_IS_ADDR_LOOPBACK(&v6));
    return {v6.s6_addr + (mapped ? 12 : 0), v6.s6_addr + 16};
}

bool is_link_local(std::string_view host) {
    const Address a = address_of(host);
    if (a.size() == 4) return a[0] == 169 && a[1] == 254;
    return a.size() == 16 && a[0] == 0xfe && (a[1] & 0xc0) == 0x80;
}

enum class Place { file, this_machine, link_local, server };

Place place_of(std::string_view text) {
    const Url url = Url::parse(text);
    if (url.scheme.empty() || url.scheme == "file") return Place::file;
    if (is_loopback_host(url.host)) return Place::this_machine;
    return is_link_local(url.host) ? Place::link_local : Place::server;
}

Error not_a_url(std::string_view text, CURLUcode why) {
    return make_error(ErrorKind::network, "'{}' is not a URL: {}", without_credentials(text), curl_url_strerror(why));
}

} // namespace

bool is_loopback_host(std::string_view host) {
    std::string name = to_lower(host);
    while (name.ends_with('.')) name.pop_back();
    if (name == "localhost" || name.ends_with(".localhost")) return true;
    const Address a = address_of(name);
    const bool zero = !a.empty() && std::ranges::all_of(a, [](std::uint8_t byte) { return byte == 0; });
    if (a.size() == 4) return zero || a[0] == 127;
    return a.size() == 16 && (zero || (a[15] == 1 && std::ranges::count(a, 0) == 15));
}

Status check_reference(std::string_view from, std::string_view to) {
    const Place page = place_of(from), named = place_of(to);
    if (page == Place::file || named == Place::server) return {};
    if (page == Place::this_machine && named != Place::file) return {};
    if (page == Place::link_local && named == Place::link_local) return {};
    return make_error(ErrorKind::network, "it names '{}', which {}; a server may only name what is on servers",
                      visible(without_credentials(to)),
                      named == Place::file           ? "is a file of this machine"
                      : named == Place::this_machine ? "is on this machine"
                                                     : "is an address of the local link");
}

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
