// --replace: an existing environment stays until the new one is complete. If the new one does not become complete, the
// old one comes back.
//
// The new environment is staged beside it, whole and durable. Then both change places in one step (renameat2 with
// RENAME_EXCHANGE; two renames where the file system lacks that). The old one stays in `aside` until the last stage is
// recorded and the user's files have gone over. After a kill at any moment, the next run of any installer decides by
// these names alone:
//
// | prefix    | aside  | means                                    | what happens          |
// | new       | old    | the new one has stages to go, or failed  | goes on, then removes |
// | missing   | old    | killed between two renames               | the old one comes back |
// | new       | –      | killed before the old one got its name   | it gets it            |
#pragma once

#include "runtime/install/carry_over.hpp"
#include "runtime/io/faults.hpp"
#include "runtime/place/place.hpp"

namespace tinderbox::install {

class Replacement {
  public:
    explicit Replacement(const place::Decision& decision);

    // Before anything else, also when nothing will be installed: an environment that a killed run put aside comes back.
    // Not where it is another user's.
    Status recover() const;
    bool pending() const; // an old one is kept
    // `prefix` and `stage` change places; then the old one is put aside.
    Status exchange(io::Faults* faults) const;
    // The new one goes, the old one is back.
    Status undo(const TreeWork& work) const;
    // The new one is complete, in `prefix`. What the user added to the old one or changed in it goes over
    // (carry_over.hpp), with `purge` it does not. The old one is removed, or with `keep` becomes the newest of so many
    // generations.
    struct Finished {
        std::vector<std::string> carried_over;
        unsigned generation = 0; // its number; 0: it is gone
    };
    Result<Finished> finish(const Directory& prefix, bool purge, unsigned keep, const TreeWork& work,
                            io::Faults* faults) const;

  private:
    Result<Directory> parent() const;
    fs::path prefix_;
    std::string name_, stage_, aside_; // in the parent directory
    place::Trust trust_;
    bool untrusted_;    // what lies there is another user's
    bool new_is_there_; // the prefix is this installer's own
};

// The steps of it, also for going back to a generation. `stage` and `name` change places, and the tree that was `name`
// is `aside` afterwards; all three are names in `parent`.
Status exchange_trees(const Directory& parent, const std::string& stage, const std::string& name,
                      const std::string& aside, io::Faults* faults);
// Killed between two renames: there is no `name`, and `aside` becomes it again.
Status bring_back(const Directory& parent, const std::string& name, const std::string& aside);

} // namespace tinderbox::install
