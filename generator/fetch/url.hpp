// URLs, parsed and joined by libcurl (RFC 3986). common/base/url.hpp removes credentials and decodes paths. Every
// function is thread-safe.
#pragma once

#include "common/base/result.hpp"

#include <string>
#include <string_view>

namespace tinderbox::fetch {

// The parts as the URL writes them: nothing is decoded, no dot segment is removed.
struct Url {
    std::string scheme;   // lower case; "" when the text is not a URL
    std::string userinfo; // "user" or "user:password"
    std::string host;     // lower case; an IPv6 address has its brackets
    std::string port, path, query, fragment;

    // Text without a scheme is a path, perhaps with a query and a fragment. Text that libcurl refuses, such as a host
    // with a space, is a path as a whole.
    static Url parse(std::string_view text);
    std::string str() const;
    // "scheme://host[:port]"
    std::string origin() const;
};

// Resolves `reference` in the document at `base` (RFC 3986, section 5). Spaces and bytes beyond ASCII become "%XX".
// Error of kind network: one of the two is not a URL ("javascript:…", an impossible host or port).
Result<std::string> join_url(std::string_view base, std::string_view reference);

} // namespace tinderbox::fetch
