// Which prefix, which parts, which staging directory: decided once a session, before anything is written. Preflight
// turns the decision into findings, install() carries it out, the session shows it.
//
// | at PREFIX                                             | root             | parts         |
// | this very installation, whole or begun                | as it was chosen | as it was     |
// | a conda, with -u, -f or --replace                     | PREFIX/envs/NAME | env           |
// | anything else, installer with a base                  | PREFIX           | env base, …   |
// | anything else, installer without                      | PREFIX           | env           |
//
// Nothing here writes. All looks at the disk are in look.hpp. Every function may be called from any thread.
#pragma once

#include "runtime/place/look.hpp"
#include "runtime/place/parts.hpp"
#include "runtime/place/prefix.hpp"

namespace tinderbox::place {

// The directories of an installed tree, or of one that is to be installed.
struct Layout {
    fs::path root;        // of the tree that is staged and renamed, and that has .tinderbox
    fs::path environment; // the environment's prefix: `root`, or envs/NAME below it when the base is installed
    Parts parts;
    fs::path conda;                // the conda whose envs/ has the environment, "" otherwise
    std::vector<fs::path> further; // prefixes of the base's further environments, as the manifest lists them

    // By prefix_index(): the prefixes, and where they lie below the root ("" or "envs/NAME").
    std::vector<std::string> prefixes() const;
    std::vector<std::string> root_paths() const;
    // Of the installed parts: the environment's root, then the base's, then those of its further environments.
    std::vector<format::Root> roots() const;
    const fs::path& prefix(format::Root root) const;
};

// A person's request, from the command line.
struct InstallRequest {
    fs::path prefix;             // absolute, normalised, no trailing '/' (resolve_prefix)
    bool allow_existing = false; // -f, -u: an existing prefix that is not empty
    bool replace = false;        // --replace: an environment that is there, once the new one is complete
    bool purge = false;          // --purge: what the user added to it or changed in it goes, too
    bool keep_packages = false;  // -k: leave the base's package cache
    bool extract_only = false;   // --extract: the files alone; the options above count for nothing
    Trust trust = Trust::now();
    format::InstallInfo control; // control_needs() of the installer
};

// How the tree gets to its root.
enum class StagingKind {
    beside,  // the root does not exist: built beside it and renamed
    inside,  // the root is a directory: built in ROOT/.tinderbox/stage, entries are renamed one by one
    replace, // built beside, and changes places with the environment that is there
};

struct Decision {
    Layout layout;
    std::string manifest_sha256; // hex, of the installer
    Trust trust;                 // the way to the root is walked again by it before anything is written
    bool extract_only = false;
    bool purge = false;           // of the request
    Found found = Found::absent;  // at the root; of the environment set aside when only that is there
    std::optional<State> reached; // this very environment is there: its last finished stage, nothing else to decide
    // `reached` was installed there and moved or copied here since; then there is a refusal as well.
    std::optional<fs::path> moved_from;
    // An update: the state of the environment at the root, which it is for.
    std::optional<State> earlier;
    StagingKind staging = StagingKind::beside;
    fs::path stage;                 // the staging tree; another run of this installer may have begun it
    std::optional<Refusal> refusal; // nothing may be installed here
    format::InstallInfo control;    // what the control directory needs, in addition to the parts

    bool own() const { return reached.has_value(); }
    std::vector<PrefixLimit> limits(const format::Manifest& manifest) const;
    // The room that the parts which are installed here take, and the control directory.
    format::InstallInfo needs(const format::Manifest& manifest) const;
};

Decision decide(const format::Manifest& manifest, const std::string& manifest_sha256, const InstallRequest& request);

// Where this installer's environment is, for a person who names PREFIX, or the conda that it was added to. Kind
// storage: neither holds it, or it is not this user's to read or write.
struct Installed {
    Layout layout;
    State state;
    Trust trust;
};
Result<Installed> find_installed(const format::Manifest& manifest, const std::string& manifest_sha256,
                                 const fs::path& prefix, const Trust& trust, Access access);

// Of a path that root names with --as-owner: who owns what is there, or what a begun installation left beside it, else
// the nearest directory.
Result<uid_t> owner_of(const fs::path& prefix, const std::string& env_name, const std::string& manifest_sha256);

// The tree at `root` was written for another place (moved_from). `name`: of the installer.
Refusal refuse_moved(const fs::path& from, const fs::path& root, const std::string& name);

// Of the environment that is installed at `root`.
Layout layout_of(const InstalledEnvironment& installed, const fs::path& root);

} // namespace tinderbox::place
