// The parts of a URL's text that need no parser, and the one place that removes credentials. generator/fetch/url.hpp
// parses and joins URLs. Every function is thread-safe and has no errors.
#pragma once

#include <string>
#include <string_view>

namespace tinderbox {

// Whether the text begins with a scheme that Tinderbox can read from: http, https, file. Case does not matter.
bool is_url(std::string_view text);
// "%20" → " " (RFC 3986, section 2.1); a '%' without two hexadecimal digits stays.
std::string percent_decode(std::string_view text);
// A path for a URL: each byte that RFC 3986 does not allow in a path becomes "%XX"; '/' stays.
std::string percent_encode_path(std::string_view path);
// "file:///a%20b" → "/a b"; host, query and fragment are dropped.
std::string file_url_to_path(std::string_view url);

// Must: every URL that leaves generator/fetch (lock, manifest, SBOM, log, message) goes through here first.
// Removes userinfo, anaconda.org's /t/TOKEN/ path element, and the query (signatures live there).
// Text without a scheme ("/local/path") stays as it is.
std::string without_credentials(std::string_view url);

} // namespace tinderbox
