// The request: what a person wrote, understood but not resolved. Every SPEC format and the command line become one.
#pragma once

#include "common/base/result.hpp"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tinderbox {

// Where something was written: "requirements.txt:3", "environment.yml:7", "command line: --pip".
struct SourceLine {
    std::string file;
    int line = 0; // 1-based; 0: no line
    std::string str() const;
};

struct PipRequirement {
    std::string text;                // as written, without options
    std::string name;                // PEP 503 normalised; "" for a bare URL or file until its metadata is known
    std::vector<std::string> extras; // normalised
    std::string specifier;           // PEP 440, "" when none
    std::string marker;              // PEP 508, "" when none
    std::string url;                 // direct reference: URL or local path
    std::vector<std::string> hashes; // "sha256:HEX", from --hash
    bool editable = false;
    SourceLine line;
};

struct CondaSpec {
    std::string text;             // as written
    std::string name, version, build, channel; // version "" when unconstrained
    std::string url, md5, sha256; // @EXPLICIT and direct files
    SourceLine line;
};

struct PipOptions {
    std::optional<std::string> index_url;
    std::vector<std::string> extra_index_urls, find_links, trusted_hosts;
    bool no_index = false, pre = false, require_hashes = false, prefer_binary = false;
    std::vector<std::string> only_binary, no_binary;
};

struct IgnoredItem {
    std::string what, why;
    SourceLine line;
};

struct Request {
    std::string kind;  // "environment.yml", "requirements.txt", "explicit", "command line", "merged"
    std::string name;  // environment name, "" when none was given
    std::vector<std::string> channels;
    std::vector<CondaSpec> conda;
    std::vector<PipRequirement> pip;
    PipOptions pip_options;
    std::map<std::string, std::string> variables;
    std::vector<IgnoredItem> ignored;
};

// The inspect contract of design.md: {kind, name, channels[], conda[…], pip[…], pip_options[], variables{}, ignored[…]}.
nlohmann::json to_json(const Request& request);

// Reads a SPEC, recognised by content. Errors: kind usage, "FILE:LINE: what; what to write instead".
Result<Request> read_spec(const std::string& path);
// Contradictions are errors that name both lines.
Result<Request> merge(std::vector<Request> requests);

} // namespace tinderbox
