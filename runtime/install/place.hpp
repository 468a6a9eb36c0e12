// Where an installation goes and which part of it: decided from what is at the prefix, before anything is written.
#pragma once

#include "runtime/install/installer.hpp"
#include "runtime/io/select.hpp"

namespace tinderbox {

struct InstallPlace {
    fs::path root;        // of the tree: what is staged, renamed and has .tinderbox
    fs::path environment; // the environment's prefix: `root`, or envs/NAME below it when the base is installed
    io::Selection selection;
    fs::path conda; // the conda whose envs/ gets the environment, "" otherwise

    // Of the environment in the tree: "" or "envs/NAME".
    std::string environment_path() const;
};

// | at PREFIX                                             | root             | parts         |
// | this very installation, whole or begun                | as it was chosen | as it was     |
// | a conda, with -u or -f                                | PREFIX/envs/NAME | env           |
// | anything else, installer with a base                  | PREFIX           | env base, …   |
// | anything else, installer without                      | PREFIX           | env           |
InstallPlace install_place(const Manifest& manifest, const InstallOptions& options);

} // namespace tinderbox
