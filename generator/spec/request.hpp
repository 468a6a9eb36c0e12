// The request: a person's input, parsed but not resolved. Every SPEC format and the command line become one.
#pragma once

#include "common/base/file.hpp"
#include "common/base/result.hpp"
#include "generator/pip/options.hpp"
#include "generator/spec/foreign_lock.hpp"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tinderbox::spec {

struct CondaSpec {
    std::string text;                          // as written
    std::string name, version, build, channel; // version "" when unconstrained
    std::string url, md5, sha256;              // @EXPLICIT, locks and direct files
    std::vector<std::string> hashes;           // others, "sha512:HEX" (generator/fetch/hashes.hpp)
    pip::SourceLine line;
    std::uint64_t size = 0; // bytes, of a lock that says it; 0 = unknown
    std::string needed_by;  // of a lock: names of packages that need it; "" = it was requested
};

struct IgnoredItem {
    std::string what, why;
    pip::SourceLine line;
    bool unknown_key = false; // `what` is a key that the format does not have
};

// An included file: construct.yaml's extra_files, and its licence.
struct IncludedFile {
    std::string source;      // absolute path of a file or directory on this machine
    std::string destination; // relative to the environment's prefix
    pip::SourceLine line;
};

// The project whose pyproject.toml or uv.lock the SPEC is, when it has a package of its own.
struct OwnProject {
    std::string name, version; // as written, not checked; or pip::dynamic_version
    fs::path directory;        // absolute; "" when the SPEC came through a pipe
};

struct Request {
    std::string kind;          // "environment.yml", "requirements.txt", "explicit", "command line", "merged"
    std::string source;        // the file it came from, as given; "" for the command line and for a merged one
    std::string name;          // environment name, "" when none was given; not checked (common/base/names.hpp)
    pip::SourceLine name_line; // where it stands, as far as the reader knows
    std::vector<std::string> channels;
    std::vector<CondaSpec> conda;
    std::vector<pip::RequirementLine> pip;
    std::vector<pip::RequirementLine> pip_constraints; // of -c files: they bound requested packages, and request none
    pip::Options pip_options;
    std::map<std::string, std::string> variables;
    std::string requires_python;      // PEP 440, of a pyproject.toml; the environment's Python must fit it
    std::vector<LockSelection> locks; // locks whose wheels are taken; their conda packages are in `conda`, by URL
    std::string base;                 // the --base that the request implies: "none" (construct.yaml); "" = no statement
    std::vector<IncludedFile> includes;
    std::string version;                      // of the installer; construct.yaml
    std::vector<std::string> user_requested;  // match specs that count as requested, if not all do; construct.yaml
    std::vector<std::string> exclude;         // conda packages that are left out of the answer; construct.yaml
    std::vector<CondaSpec> conda_constraints; // bound installed packages, and install none (lock --update)
    std::string pre_install, post_install;    // absolute paths of scripts to run in the new prefix; construct.yaml
    std::map<std::string, std::string> script_variables; // of these scripts; construct.yaml
    std::string license_file;          // absolute path of a text to show and to accept; construct.yaml
    std::optional<OwnProject> project; // of this SPEC; a merged request has none
    std::vector<IgnoredItem> ignored;
};

// The inspect contract of docs/building/building.md: {kind, name, channels[], conda[…], pip[…], pip_options[],
// variables{}, ignored[…]}.
nlohmann::json to_json(const Request& request);

// The kind of a file, recognised by its content.
enum class SpecKind {
    requirements,
    pyproject,
    explicit_list,
    environment,
    construct, // requests
    tinderbox_lock,
    conda_lock,
    pixi_lock,
    pylock,
    uv_lock, // locks
};
std::string_view to_string(SpecKind kind); // "requirements.txt", "explicit", "environment.yml", …
SpecKind recognise_spec(std::string_view text);

// A SPEC argument in parts: "pyproject.toml[cuda,-dev]".
struct SpecArgument {
    std::string path;
    std::vector<std::string> names;
};
SpecArgument split_argument(const std::string& argument); // the whole text is the path when such a file exists

// Converts the text of a file to UTF-8. A byte-order mark tells UTF-8, UTF-16 or UTF-32; "coding:" in a comment of the
// first two lines tells Latin-1 (as pip reads). Errors (usage): another encoding, a program, an archive.
Result<std::string> decode_spec(std::string text, const std::string& path);

// Reads a SPEC, recognised by content. Errors: kind usage, "FILE:LINE: mistake; the right form". A lock of ours is no
// request: call recognise_spec() first. `choice` selects parts of a lock or a pyproject.toml.
Result<Request> read_spec(const std::string& argument, LockChoice choice = {});
// The same for a text that was read already; `path` is its name in errors and the start of relative paths.
Result<Request> parse_spec(std::string_view text, const std::string& path, const LockChoice& choice = {});
// The lock of another tool. `kind`: the result of recognise_spec().
Result<ForeignLock> parse_foreign_lock(SpecKind kind, std::string_view text, const std::string& path);

// One entry of the command line: --pip REQ (a line of requirements.txt), --conda SPEC (a match spec, a URL, a path).
Status add_pip(Request& request, std::string_view requirement, pip::SourceLine line = {"command line: --pip", 0});
Status add_conda(Request& request, std::string_view spec, pip::SourceLine line = {"command line: --conda", 0});

// Whether anything would be installed for the request.
bool asks_for_packages(const Request& request);
// Refuses a file that asks for no package: an empty one, one of comments, "dependencies: []", a lock without packages.
// Errors: kind usage, with the reason. `lock`: of everything that it has.
Status check_asks(const Request& request);
Status check_asks(const ForeignLock& lock);

// Refuses everything that must be built, because no installer can carry it (a checkout, a directory, an editable). The
// error lists all of it, one a line, with the remedy. Errors: kind usage.
Status check_bundled(const Request& request);

// A script of construct.yaml, byte for byte, and its licence as UTF-8. Errors (usage, without the line that names the
// file): unreadable, no text, a script that no shell of Linux runs (a batch file, lines that end in CR LF).
Result<std::string> read_script(const std::string& path);
Result<std::string> read_license(const std::string& path);

// Contradictions are errors that name both lines.
Result<Request> merge(std::vector<Request> requests);

} // namespace tinderbox::spec
