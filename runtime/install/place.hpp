// Where an installation goes and which part of it: decided from what is at the prefix, before anything is written.
#pragma once

#include "runtime/install/installer.hpp"
#include "runtime/io/select.hpp"

namespace tinderbox {

struct InstallPlace {
    fs::path root;        // of the tree: what is staged, renamed and has .tinderbox
    fs::path environment; // the environment's prefix: `root`, or envs/NAME below it when the base is installed
    io::Selection selection;
    fs::path conda;                // the conda whose envs/ gets the environment, "" otherwise
    std::vector<fs::path> further; // prefixes of the base's further environments, as the manifest lists them

    // By prefix_index(): the prefixes, and where they lie below the root ("" or "envs/NAME").
    std::vector<std::string> prefixes() const;
    std::vector<std::string> root_paths() const;
    // Of what is installed here: the environment's, then the base's, then its further environments'.
    std::vector<Root> roots() const;
    const fs::path& prefix(Root root) const;
};

// | at PREFIX                                             | root             | parts         |
// | this very installation, whole or begun                | as it was chosen | as it was     |
// | a conda, with -u or -f                                | PREFIX/envs/NAME | env           |
// | anything else, installer with a base                  | PREFIX           | env base, …   |
// | anything else, installer without                      | PREFIX           | env           |
InstallPlace install_place(const Manifest& manifest, const InstallOptions& options);

// Of what is installed at `root`.
InstallPlace installed_place(const InstalledState& state, const fs::path& root);

} // namespace tinderbox
