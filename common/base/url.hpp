// URLs as far as artifacts need them, and the one place that removes credentials.
#pragma once

#include <string>
#include <string_view>

namespace tinderbox {

struct Url {
    std::string scheme, userinfo, host, port, path, query, fragment;
    static Url parse(std::string_view text); // lenient: what does not fit ends up in `path`
    std::string str() const;
    std::string origin() const; // scheme://host[:port]
};

bool is_url(std::string_view text); // has a scheme we know: http, https, file
// RFC 3986 reference resolution of `reference` against `base`.
std::string resolve_url(std::string_view base, std::string_view reference);
std::string percent_decode(std::string_view text);
std::string percent_encode_path(std::string_view text);
// "file:///a%20b" → "/a b"
std::string file_url_to_path(std::string_view url);

// Must: every URL that leaves generator/fetch (lock, manifest, SBOM, log, message) goes through here first.
// Removes userinfo, anaconda.org's /t/TOKEN/ path element, and the query (signatures live there).
std::string without_credentials(std::string_view url);

} // namespace tinderbox
