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

// Whether the host is this machine, however it is written: "localhost" and names below it, 127.0.0.0/8 and ::1 in every
// form that inet_aton() and inet_pton() read (127.1, 0x7f000001, [::ffff:127.0.0.1]), and the unspecified address.
// `host` is Url::host. No name is looked up.
bool is_loopback_host(std::string_view host);

// Whether the document at `from` may name `to`. A file of this machine may name everything. A document of a server on
// this machine may name every server, and no file. Other servers may name other servers alone: no file, no address of
// this machine, and no link-local address (169.254.0.0/16, fe80::/10) unless they have one. The user's machine may
// reach what such a server cannot reach itself. `from` and `to` are absolute; text without a scheme is a path of this
// machine. Error (network, without a place): the reason.
Status check_reference(std::string_view from, std::string_view to);

// What `reference` means in the document at `base` (RFC 3986, section 5). Spaces and bytes beyond ASCII become "%XX".
// Error of kind network: one of the two is not a URL ("javascript:…", an impossible host or port).
Result<std::string> join_url(std::string_view base, std::string_view reference);

// The path of a URL, decoded, without query and fragment; a path as it is. And the last component of that.
std::string path_at(std::string_view location);
std::string file_name_at(std::string_view location);

} // namespace tinderbox::fetch
