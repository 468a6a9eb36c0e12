// The lock: the exact artifacts of an environment by URL, size and hash, for one platform. It is one sorted JSON file
// that is reviewed as a diff. The same lock gives the same NAME.run, byte for byte.
#pragma once

#include "common/base/result.hpp"
#include "common/format/manifest.hpp"
#include "generator/parcel/artifact_kind.hpp"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tinderbox::lock {

inline constexpr int lock_version = 1;

// 1980-01-01 in seconds since 1970: the mtime of files that have none of their own. A zip cannot hold an older one.
inline constexpr std::int64_t default_source_mtime = 315532800;

// Where .py files are compiled.
enum class Bytecode { build, install };
std::string_view to_string(Bytecode mode);
std::optional<Bytecode> parse_bytecode(std::string_view text); // "build", "install"

// The source archive that a wheel was made of on the locking machine (--allow-sdist).
struct BuiltFrom {
    std::string url;    // without credentials
    std::string source; // not written to the lock, as LockedArtifact::source
    std::string file_name, sha256;
    std::uint64_t size = 0;
};

struct LockedArtifact {
    parcel::ArtifactKind kind = parcel::ArtifactKind::other; // in a lock: wheel or conda
    std::string name, version, build;
    std::string url;    // without credentials; "file:///…" for a local artifact
    std::string source; // not written to the lock: the URL or path to fetch from, credentials and all
    std::string file_name;
    std::string sha256, md5;         // hex; sha256 is "" only until the artifact was fetched the first time
    std::uint64_t size = 0;          // bytes, 0 = unknown
    std::vector<std::string> hashes; // others that an index or another lock gave, "sha512:HEX": the file must have them
    bool requested = false;          // asked for by name (wheel's REQUESTED file, conda's requested_spec)
    std::string requirement;         // the text of the request that asked for it
    std::string channel;             // conda
    std::string index;               // wheel: the index or find-links location that it came from
    std::string direct_url;          // PEP 610: the URL a direct reference named, "" when it came from an index
    std::vector<std::string> extras;
    // A wheel that no index has. `url` and `source` are the archive's; file_name, sha256 and size are the wheel's. A
    // build from the lock makes the wheel again, or has it in the cache; its hash must be the same.
    std::optional<BuiltFrom> built_from;
};

struct Lock;
std::vector<LockedArtifact> conda_packages(const Lock& lock); // copies, in link order

// Adds a wheel among those of the lock: they are sorted by name, behind conda's packages.
void insert_wheel(LockedArtifact wheel, std::vector<LockedArtifact>& artifacts);

// The package for the manifest, with the facts that are known before the artifact is opened.
format::PackageInfo package_of(const LockedArtifact& artifact);

// The interpreter, when it is captured from this machine (--python-from, --from-prefix) and not a conda package.
struct CapturedSource {
    std::string kind;   // "python" or "prefix"
    std::string path;   // absolute, of the executable or the directory
    std::string sha256; // of the captured tree (names, modes, contents), hex; "" until captured
};

// The conda that is installed at PREFIX, from its own installer (--base); the environment then lies in envs/NAME.
struct LockedBase {
    std::string kind;    // "miniconda", "miniforge", "installer" (any other that constructor made)
    std::string version; // as the installer says: "py311_25.3.1-1"
    std::string url;     // without credentials; "file:///…" for a local file
    std::string source;  // not written to the lock, as with artifacts
    std::string file_name;
    std::string sha256;     // hex; "" only until it was fetched the first time
    std::uint64_t size = 0; // bytes, 0 = unknown
};

// A SPEC that the lock answers.
struct LockedSource {
    std::string path;   // relative to the lock's directory; with the selected parts: "pyproject.toml[cuda]"
    std::string sha256; // request_digest of its request, hex
    bool operator==(const LockedSource&) const = default;
};

// The user's own included files: --include, construct.yaml's extra_files.
struct LockedInclude {
    std::string path;        // absolute, on the machine that builds
    std::string destination; // relative to share/NAME of the environment, or to its prefix
    std::string sha256;      // of the tree (names, modes, links, contents), hex; "" until it was read
    bool in_prefix = false;  // extra_files: the destination is relative to the prefix
    std::uint64_t size = 0;  // not written to the lock: bytes, 0 until it was read
};

// A text that the manifest carries.
struct LockedText {
    std::string path;   // absolute, on the machine that builds
    std::string sha256; // of its bytes, hex; "" until it was read
    std::string text;   // not written to the lock
};

// The facts of construct.yaml about the installer, not the environment.
struct LockedInstaller {
    std::string version;
    std::optional<LockedText> pre_install, post_install, license;
    std::map<std::string, std::string> variables; // of the scripts
};

struct Lock {
    std::string name; // environment name
    std::string platform = "linux-64";
    std::string target_glibc = "2.28"; // PEP 600 tags up to this manylinux
    Bytecode bytecode = Bytecode::build;
    std::int64_t source_mtime = default_source_mtime; // or SOURCE_DATE_EPOCH
    std::optional<CapturedSource> captured;
    std::optional<LockedBase> base;
    std::vector<LockedInclude> includes;
    std::optional<LockedInstaller> installer;
    std::vector<LockedArtifact> artifacts;                      // conda first, in link order; then wheels by name
    std::vector<std::string> channels, indexes, insecure_hosts; // without credentials
    std::vector<std::string> request;                           // the text of the request, entry by entry
    std::vector<LockedSource> sources;                          // the files of the request; empty for the command line
    std::map<std::string, std::string> variables;
    std::map<std::string, std::string> virtuals; // assumptions of the conda solve about the target: "__cuda" → "11.4"
};

// The file: {"tinderbox_lock": 1, "name", "platform", "target_glibc", "bytecode", "source_mtime", "captured"?,
// "base"?, "includes"?, "installer"?, "channels", "indexes", "insecure_hosts", "request", "sources"?, "variables",
// "virtual"?, "artifacts": [{"kind", "name", "version", …}]}. Fields of an artifact that are empty are left out;
// `source` never is in it. Keys are sorted, every artifact's field has its own line. Every URL goes through
// without_credentials.
//
// Version history: 1, the first.
nlohmann::json to_json(const Lock& lock);
// Whether an artifact's texts can become a name in the cache, a line of a list and an argument: its file's name has no
// directory, its URLs have no blanks, nothing has control characters. Errors (usage, without a place): which is wrong.
Status check_texts(const LockedArtifact& artifact);
Result<Lock> lock_from_json(const nlohmann::json& json, const std::string& file_name); // kind usage
std::string lock_text(const Lock& lock);                                               // canonical
Result<Lock> read_lock(const std::string& path);                                       // kind usage
Result<Lock> parse_lock(std::string_view text, const std::string& path); // for a file that was read already

// The output of `inspect --json` for a lock: {kind, version, platforms[], packages[…]} (docs/building/building.md).
nlohmann::json inspect_json(const Lock& lock);

} // namespace tinderbox::lock
