// Locks of other tools: their contents, and the packages that a target takes.
//
//   conda-lock.yml v1      https://conda.github.io/conda-lock/        one entry a package and platform, with a category
//   pixi.lock v4 – v7      https://pixi.sh, crate rattler_lock        environments × platforms → packages
//   pylock.toml 1.0        PEP 751                                    packages with markers, wheels for every machine
//   uv.lock 1              https://docs.astral.sh/uv/                 a graph; markers stand at its edges
//
// The contents are final: no package is resolved again, and every hash is kept. A lock for many machines is narrowed by
// the target's platform, Python and tags. These are known only after the environment's Python is known, so the wheels
// are chosen (wheels_of) when the lock is made.
#pragma once

#include "common/base/result.hpp"
#include "generator/pip/options.hpp"
#include "generator/pip/target.hpp"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tinderbox::spec {

struct ForeignFile {
    std::string url; // http, https or file; or an absolute path
    std::string file_name;
    std::string sha256, md5;         // hex, "" unknown
    std::uint64_t size = 0;          // bytes, 0 = unknown
    std::vector<std::string> hashes; // others, "sha512:HEX" (generator/fetch/hashes.hpp)
};

struct ForeignPackage;

// "needs NAME": an edge of uv.lock's graph; edges of other locks have only a name.
struct ForeignEdge {
    std::string name, version, marker;
    std::string source; // which of several packages of one name and version, "" any
    std::vector<std::string> extras;
};

struct ForeignPackage {
    std::string kind; // "conda", "pypi"
    std::string name, version, build;
    std::string platform;            // as the lock calls it; "" when the lock is for every platform
    std::vector<std::string> groups; // pixi's environments, conda-lock's category: one of them must be taken
    std::vector<ForeignFile> files;  // conda: one; pypi: wheels
    std::optional<ForeignFile> sdist;
    std::string marker; // pylock
    std::string requires_python;
    std::string origin;   // uv: the text of its source, to tell packages of one name apart
    std::string source;   // a package that must be built and is no artifact: "the directory '.'"
    bool direct = false;  // named by URL, not from an index: gets a direct_url.json
    bool project = false; // uv: the project that the lock belongs to
    std::vector<ForeignEdge> needs;
    std::map<std::string, std::vector<ForeignEdge>> extra_needs, group_needs; // uv: extras, dependency groups
    pip::SourceLine line;
};

struct ForeignPlatform {
    std::string name, subdir; // pixi v7 gives platforms names of their own; "linux-64-cuda", "linux-64"
};

struct ForeignLock {
    std::string kind; // to_string(SpecKind)
    std::string path;
    std::string version; // of the format, as written: "1", "6", "1.0"
    bool version_is_number = true;
    std::vector<ForeignPlatform> platforms;                   // empty: every platform
    std::map<std::string, std::vector<std::string>> channels; // pixi: by environment; conda-lock: ""
    std::vector<std::string> environments;                    // pixi's environments, conda-lock's categories
    std::vector<std::string> extras, groups;                  // extras and groups of pylock and uv that can be selected
    std::vector<std::string> default_groups;
    std::string requires_python;      // PEP 440
    std::vector<std::string> markers; // pylock's `environments`: one must hold
    std::vector<ForeignPackage> packages;
};

// Errors: kind usage, "FILE:LINE: …".
Result<ForeignLock> read_conda_lock(std::string_view text, const std::string& path);
Result<ForeignLock> read_pixi_lock(std::string_view text, const std::string& path);
Result<ForeignLock> read_pylock(std::string_view text, const std::string& path);
Result<ForeignLock> read_uv_lock(std::string_view text, const std::string& path);

// The inspect contract of docs/building/building.md: {kind, version, platforms[], packages[…]}, and the names to choose
// from. A lock for every platform shows for each package the file for linux-64 and the newest Python.
nlohmann::json inspect_json(const ForeignLock& lock);

// The selection from a lock: SPEC is "FILE[NAME,…]".
struct LockChoice {
    std::string platform = "linux-64";
    std::vector<std::string> names; // environment, category, extra, group or pixi platform; "-NAME": without
    std::string environment;        // --name: pixi's environment of this name, where there is one
};

// A lock with the environments, groups and extras that are selected of it.
struct LockSelection {
    std::shared_ptr<const ForeignLock> lock;
    std::string platform;            // as the lock calls it
    std::vector<std::string> groups; // environments or categories; pylock, uv: dependency groups
    std::vector<std::string> extras;
};

// Resolves the names. Errors: kind usage, with the existing names.
Result<LockSelection> select_packages(std::shared_ptr<const ForeignLock> lock, const LockChoice& choice);

// The selected conda packages, in the lock's order.
std::vector<const ForeignPackage*> conda_of(const LockSelection& selection);

// Whether there are packages that wheels_of() would look for; "for the target" is not asked.
bool has_wheels(const LockSelection& selection);

struct LockedWheel {
    const ForeignPackage* package = nullptr;
    ForeignFile file;
    bool requested = false; // no other package of the lock needs it
};

// The selected wheels for a target, by name. Packages in `replaced` (normalised names: the request has a line of
// its own for them) are left out. Where `archives` is given (--allow-sdist), packages that have a source archive but no
// wheel for the target are put there. Errors (usage, all of them, one a line): a package that would have to be built,
// or has no wheel for the target; the lock is not for this Python.
Result<std::vector<LockedWheel>> wheels_of(const LockSelection& selection, const pip::Target& target,
                                           const std::vector<std::string>& replaced,
                                           std::vector<const ForeignPackage*>* archives = nullptr);

} // namespace tinderbox::spec
