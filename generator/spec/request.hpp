// The request: what a person wrote, understood but not resolved. Every SPEC format and the command line become one.
#pragma once

#include "common/base/result.hpp"
#include "generator/pip/options.hpp"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tinderbox {

struct CondaSpec {
    std::string text;             // as written
    std::string name, version, build, channel; // version "" when unconstrained
    std::string url, md5, sha256; // @EXPLICIT and direct files
    SourceLine line;
};

struct IgnoredItem {
    std::string what, why;
    SourceLine line;
};

struct Request {
    std::string kind;  // "environment.yml", "requirements.txt", "explicit", "command line", "merged"
    std::string source; // the file it came from, as given; "" for the command line and for a merged one
    std::string name;  // environment name, "" when none was given
    std::vector<std::string> channels;
    std::vector<CondaSpec> conda;
    std::vector<PipRequirement> pip;
    std::vector<PipRequirement> pip_constraints; // of -c files: they bound what is asked for, but ask for nothing
    PipOptions pip_options;
    std::map<std::string, std::string> variables;
    std::vector<IgnoredItem> ignored;
};

// The inspect contract of design.md: {kind, name, channels[], conda[…], pip[…], pip_options[], variables{}, ignored[…]}.
nlohmann::json to_json(const Request& request);

// What a file is, told from its content.
enum class SpecKind { requirements, explicit_list, environment, tinderbox_lock, conda_lock, pixi_lock, pylock, construct };
std::string_view to_string(SpecKind kind); // "requirements.txt", "explicit", "environment.yml", …
SpecKind recognise_spec(std::string_view text);

// Reads a SPEC, recognised by content. Errors: kind usage, "FILE:LINE: what; what to write instead". A lock of ours
// is not a request: ask recognise_spec() first. Kinds that are not read yet are an error that names the kind.
Result<Request> read_spec(const std::string& path);
// The same of text that was read already; `path` is what errors call it and where relative paths start.
Result<Request> parse_spec(std::string_view text, const std::string& path);

// One entry of the command line: --pip REQ (a line of requirements.txt), --conda SPEC (a match spec, a URL, a path).
Status add_pip(Request& request, std::string_view requirement, SourceLine line = {"command line: --pip", 0});
Status add_conda(Request& request, std::string_view spec, SourceLine line = {"command line: --conda", 0});

// Contradictions are errors that name both lines.
Result<Request> merge(std::vector<Request> requests);

} // namespace tinderbox
