// One pip requirement and its options, parsed but not resolved. The request (generator/spec/request.hpp) consists of
// these; they are here because the modules of pip lie below it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::pip {

// The place of a text: "requirements.txt:3", "environment.yml:7:5", "command line: --pip".
struct SourceLine {
    std::string file;
    int line = 0;   // 1-based; 0: no line
    int column = 0; // 1-based; 0: the whole line
    std::string str() const;
};

struct RequirementLine {
    std::string text;                // as written, without options
    std::string name;                // PEP 503 normalised; "" for a bare URL or file until its metadata is known
    std::vector<std::string> extras; // normalised
    std::string specifier;           // PEP 440, "" when none
    std::string marker;              // PEP 508, "" when none
    std::string url;                 // direct reference: URL or local path
    std::vector<std::string> hashes; // "sha256:HEX", from --hash
    bool editable = false;
    std::string unbundled; // why no installer can carry it (it must be built), with the remedy; "" for all others
    SourceLine line;
};

struct Options {
    std::optional<std::string> index_url;
    std::vector<std::string> extra_index_urls, find_links, trusted_hosts;
    bool no_index = false, pre = false, require_hashes = false, prefer_binary = false;
    std::vector<std::string> only_binary, no_binary;
    std::string cert; // PIP_CERT or pip.conf's: a CA bundle, for generator/fetch
    // Fills unset options from `defaults` (pip's configuration). An index URL here replaces the default; lists are
    // joined, as pip joins its command line and its configuration.
    void add_defaults(const Options& defaults);
};

// `text` with the credentials of every URL in it removed (without_credentials), for messages and reports that quote it.
std::string printable(std::string_view text);

} // namespace tinderbox::pip
