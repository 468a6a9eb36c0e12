// Progress while the kernel writes what is dirty to the disk: syncfs(2) itself tells nothing.
#pragma once

#include "common/base/ticker.hpp"
#include "runtime/install/progress.hpp"

#include <optional>

namespace tinderbox::install {

// Tells about InstallProgress::Work::sync while it lives. The bytes are those of the whole machine (Dirty and Writeback
// of /proc/meminfo); the total is the most that was seen. `work` must outlive the object.
class SyncProgress {
  public:
    explicit SyncProgress(const TreeWork& work);

  private:
    std::uint64_t most_ = 0;
    std::optional<Ticker> ticker_;
};

} // namespace tinderbox::install
