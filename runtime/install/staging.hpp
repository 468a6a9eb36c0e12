// Where an installation lies until it is whole, and how it becomes the prefix.
//
// Beside: a new prefix is built as PARENT/.NAME.tinderbox-stage-ID and renamed. Inside: an existing directory gets
// PREFIX/.tinderbox/stage, whose entries are renamed one by one after the journal says so; the state file, written
// last, is what makes it an environment.
#pragma once

#include "runtime/install/journal.hpp"
#include "runtime/install/replace.hpp"
#include "runtime/io/faults.hpp"

namespace tinderbox {

inline constexpr std::string_view control_name = ".tinderbox";

class Staging {
  public:
    // Kind storage: the parent is not writable, another installer is at work (it holds the lock), the directory is
    // not ours. `inside`: the prefix exists.
    static Result<Staging> open(const fs::path& prefix, bool inside, const JournalHeader& header);

    bool inside() const { return inside_; }
    const fs::path& tree() const { return tree_; }       // where files are written
    const fs::path& control() const { return control_; } // where journal, manifest and state are written
    // What an earlier run left that can be gone on with; otherwise the tree is empty.
    const std::optional<JournalContents>& found() const { return found_; }
    // Gives up what was found and empties the tree.
    Status start_over();

    // Makes all files durable, then records.
    Status record_tasks(std::uint64_t tasks, io::Faults* faults);
    bool recorded() const { return recorded_; }
    // Entries have begun to move into an existing prefix: only going on makes sense.
    bool merging() const { return merging_; }
    Status sync(io::Faults* faults) const;

    // Where `prefix` is staged beside it.
    static fs::path stage_beside(const fs::path& prefix, const JournalHeader& header);

    // Everything in tree() and control() is complete. Afterwards the prefix is whole, but for the state file of an
    // `inside` installation, which the caller writes.
    // `replacing`: what is at the prefix is put aside.
    Status commit(bool durable, io::Faults* faults, const Replacement* replacing = nullptr);
    // Removes everything this installation has made.
    void discard();

  private:
    Staging() = default;
    Status open_beside();
    Status open_inside();
    Status open_journal();
    fs::path prefix_, tree_, control_;
    bool inside_ = false, recorded_ = false, merging_ = false;
    JournalHeader header_;
    std::vector<fs::path> made_; // parents that did not exist
    Fd tree_fd_;
    std::optional<FileLock> lock_;
    std::optional<Journal> journal_;
    std::optional<JournalContents> found_;
};

// The first path of the tree that is in the prefix already, "" when nothing stands in the way. Directories that both
// have are no conflict.
std::string first_conflict(const fs::path& prefix, const std::vector<std::string>& files,
                           const std::vector<std::string>& directories);

} // namespace tinderbox
