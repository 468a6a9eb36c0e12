#include "runtime/install/sync_progress.hpp"

#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"

#include <algorithm>
#include <string_view>

namespace tinderbox::install {
namespace {

std::uint64_t unwritten_bytes() {
    const auto text = read_text("/proc/meminfo", 1u << 20);
    if (!text.ok()) return 0;
    std::uint64_t sum = 0;
    for (std::string_view line : split_lines(*text))
        for (std::string_view name : {"Dirty:", "Writeback:"})
            if (line.starts_with(name)) sum += parse_bytes(trim(line.substr(name.size()))).value_or(0);
    return sum;
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
