#include "runtime/install/sync_progress.hpp"

#include "common/base/file.hpp"
#include "common/base/memory_info.hpp"

#include <algorithm>

namespace tinderbox::install {
namespace {

std::uint64_t unwritten_bytes() {
    const auto text = read_text("/proc/meminfo", 1u << 20);
    if (!text.ok()) return 0;
    return memory_field(*text, "Dirty") + memory_field(*text, "Writeback");
}

} // namespace

SyncProgress::SyncProgress(const TreeWork& work) {
    if (!work.progress) return;
    ticker_.emplace([this, &work] {
        const std::uint64_t left = unwritten_bytes();
        most_ = std::max(most_, left);
        work.progress({InstallProgress::Work::sync, most_ - left, most_});
    });
}

} // namespace tinderbox::install
