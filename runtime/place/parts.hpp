// Which parts of a file table are installed.
#pragma once

#include "common/format/table.hpp"
#include "runtime/place/installed_parts.hpp"

namespace tinderbox::place {

// The environment is always among them.
struct Parts {
    bool base = false;     // the base and its further environments as well as Root::env
    bool packages = false; // the base's package cache
    bool root_user = true; // root installs

    // What journal and state file keep. They do not say who installs, because nobody else can go on.
    InstalledParts installed() const;
    static Parts of(InstalledParts installed, bool root_user);
};

bool selected(const format::Destination& destination, const Parts& parts);

// The table with the selected destinations alone; blocks and contents keep their places. Kind damaged: a file that is
// left names the hash of one that is not.
Result<format::Table> select(format::Table table, const Parts& parts);
// The same for any choice: one flag a destination.
Result<format::Table> keep(format::Table table, const std::vector<bool>& kept);

} // namespace tinderbox::place
