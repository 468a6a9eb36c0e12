// Where an installation lies until it is whole, and how it becomes the prefix.
//
// Beside: a new prefix is built as PARENT/.NAME.tinderbox-stage-ID and renamed. Inside: an existing directory gets
// PREFIX/.tinderbox/stage, whose entries are renamed one by one after the journal says so. The state file is written
// last; a prefix with a state file is an environment. One thread uses a Staging; the lock keeps other processes away.
#pragma once

#include "runtime/install/replace.hpp"
#include "runtime/io/faults.hpp"
#include "runtime/place/journal.hpp"

namespace tinderbox::install {

class Staging {
  public:
    // Kind storage: the parent is not writable, another installer is at work (it holds the lock), the directory is
    // not ours, or another user could change the way to it.
    static Result<Staging> open(const place::Decision& decision, const place::JournalHeader& header);

    bool inside() const { return inside_; }
    const Directory& root() const { return root_; }       // the prefix; open when inside() alone
    const Directory& tree() const { return tree_; }       // where files are written
    const Directory& control() const { return control_; } // where journal, manifest and state are written
    // The journal of an earlier run that this one goes on with; otherwise the tree is empty.
    const std::optional<place::JournalContents>& found() const { return found_; }
    // Gives up the earlier run's work and empties the tree.
    Status start_over();

    // Makes all files durable, then records.
    Status record_tasks(std::uint64_t tasks, io::Faults* faults);
    bool recorded() const { return recorded_; }
    // Entries have begun to move into an existing prefix: only going on makes sense.
    bool merging() const { return merging_; }
    Status sync(io::Faults* faults) const;

    // Everything in tree() and control() is complete. Afterwards the prefix is whole, but for the state file of an
    // `inside` installation, which the caller writes.
    // `replacing`: the environment at the prefix is put aside.
    Status commit(bool durable, io::Faults* faults, const Replacement* replacing = nullptr);
    // Removes everything this installation has made.
    void discard();
    // The first path of the plan that is in an existing prefix already, "" when nothing stands in the way. Directories
    // that both have are no conflict.
    std::string first_conflict(const std::vector<std::string>& files,
                               const std::vector<std::string>& directories) const;

  private:
    Staging() = default;
    Status open_beside(const place::Decision& decision);
    Status open_inside(const place::Decision& decision);
    Status open_journal();
    void remove_parents() const; // those that this run made and that are empty
    std::string stage_name() const { return stage_.filename().string(); }
    fs::path prefix_, stage_;
    Directory parent_; // of the prefix; open when beside
    Directory root_;   // the prefix; open when inside
    Directory tree_, control_;
    bool inside_ = false, recorded_ = false, merging_ = false;
    bool new_tree_ = false; // the tree, or inside the control directory, was made by this run
    bool busy_ = false;     // another installer holds the lock
    place::Trust trust_;
    place::JournalHeader header_;
    std::vector<fs::path> made_; // parents that did not exist, outermost first
    std::optional<FileLock> lock_;
    std::optional<place::Journal> journal_;
    std::optional<place::JournalContents> found_;
};

} // namespace tinderbox::install
