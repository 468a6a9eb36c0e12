// Makes every directory of a tree first and keeps it open. Files are created relative to these descriptors, so a link
// that appears later is not followed.
#pragma once

#include "common/base/file.hpp"
#include "runtime/io/faults.hpp"
#include "runtime/io/plan.hpp"

namespace tinderbox::io {

class Directories {
  public:
    // Raises the soft limit of open files to the hard one. Directories beyond the limit are opened again when needed.
    // `existing_ok`: an existing path that is a directory (an interrupted run made it) is accepted.
    static Result<Directories> make(Fd root, std::string shown_root, const std::vector<PlannedDirectory>& directories,
                                    bool existing_ok, Faults* faults);

    // A descriptor that is either kept (then `owned` is empty) or the caller's.
    struct Handle {
        int fd = -1;
        Fd owned;
    };
    Result<Handle> open(std::uint32_t index) const;
    // For messages.
    std::string path(std::uint32_t index) const;
    const std::string& shown_root() const { return shown_root_; }
    int root_fd() const { return kept_.front().get(); }

    // Sets modes and times, deepest first; afterwards no file may be created.
    Status finish(const format::Table& table, std::uint16_t mode_mask) const;

  private:
    Directories() = default;
    std::string shown_root_;
    const std::vector<PlannedDirectory>* planned_ = nullptr;
    std::vector<Fd> kept_; // empty beyond the limit
};

} // namespace tinderbox::io
