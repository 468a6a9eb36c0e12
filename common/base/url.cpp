#include "common/base/url.hpp"

#include "common/base/hex.hpp"
#include "common/base/text.hpp"

#include <algorithm>

namespace tinderbox {
namespace {

bool is_scheme_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
           c == '.';
}

// The length of "scheme" in "scheme://…", 0 for any other text: "a.html?x=http://y" has no scheme.
std::size_t scheme_length(std::string_view text) {
    const auto end = text.find("://");
    if (end == std::string_view::npos || !std::ranges::all_of(text.substr(0, end), is_scheme_character)) return 0;
    return end;
}

// Where the authority ("user@host:port") of a URL ends, from `begin` on.
std::size_t authority_end(std::string_view url, std::size_t begin) {
    return std::min(url.find_first_of("/?#", begin), url.size());
}

} // namespace

bool is_url(std::string_view text) {
    for (std::string_view scheme : {"http://", "https://", "file://"})
        if (to_lower(text.substr(0, scheme.size())) == scheme) return true;
    return false;
}

std::string percent_decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
            out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string percent_encode_path(std::string_view path) {
    std::string out;
    for (char c : path) {
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     std::string_view("-._~/!$&'()*+,;=:@").find(c) != std::string_view::npos;
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

std::string file_url_to_path(std::string_view url) {
    url = url.substr(0, url.find_first_of("?#"));
    if (const std::size_t scheme = scheme_length(url); scheme > 0) url.remove_prefix(authority_end(url, scheme + 3));
    return percent_decode(url);
}

std::string without_credentials(std::string_view text) {
    const std::size_t scheme = scheme_length(text);
    if (scheme == 0) return std::string(text);
    const std::size_t host = scheme + 3, path_begin = authority_end(text, host);
    std::string_view authority = text.substr(host, path_begin - host);
    authority.remove_prefix(authority.rfind('@') + 1); // npos + 1 is 0
    const auto hash = text.find('#', path_begin);
    std::string_view path = text.substr(path_begin, hash == std::string_view::npos ? hash : hash - path_begin);
    path = path.substr(0, path.find('?'));
    std::string out = to_lower(text.substr(0, host)) + to_lower(authority);
    // conda: https://host/t/TOKEN/channel/…
    if (path.starts_with("/t/")) {
        const auto end = path.find('/', 3);
        path = end == std::string_view::npos ? std::string_view("/") : path.substr(end);
    }
    out += path;
    const bool has_fragment = hash != std::string_view::npos && hash + 1 < text.size();
    if (has_fragment) out += text.substr(hash);
    return out;
}

} // namespace tinderbox
