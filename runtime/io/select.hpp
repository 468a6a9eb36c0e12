// Which part of a file table is installed.
#pragma once

#include "common/format/table.hpp"

namespace tinderbox::io {

struct Selection {
    bool base = false;     // the base and its further environments as well as Root::env
    bool packages = false; // the base's package cache
    bool root_user = true; // root installs

    // "env", "env base", "env base packages": the journal's and the state file's words. Who installs is not among them:
    // nobody else can go on.
    std::string text() const;
    static Selection from_text(std::string_view text, bool root_user);
};

bool selected(const Destination& destination, const Selection& selection);

// The table with the selected destinations alone; blocks and contents keep their places. Kind damaged: a file that is
// left names the hash of one that is not.
Result<Table> select(Table table, const Selection& selection);
// The same for any choice: one flag a destination.
Result<Table> keep(Table table, const std::vector<bool>& kept);

} // namespace tinderbox::io
