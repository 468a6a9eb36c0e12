// How work on many files of a tree is shared, told about, and ended early.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

namespace tinderbox::install {

struct InstallProgress {
    enum class Work { extract, sync, bytecode, scripts, compare, remove };
    Work work = Work::extract;
    // Bytes of extract, sync and compare; files of bytecode and remove; scripts. total 0 = unknown.
    std::uint64_t done = 0, total = 0;
};
// Called from worker threads, one at a time, at most every 50 ms.
using Progress = std::function<void(const InstallProgress&)>;

struct TreeWork {
    unsigned jobs = 0; // threads; 0 = available_cpus()
    Progress progress;
    // Set by a signal handler: the work ends with kind `interrupted`.
    const std::atomic<bool>* interrupted = nullptr;

    bool stopped() const { return interrupted && interrupted->load(); }
    // For a ProgressCounter; it refers to this object.
    std::function<void(std::uint64_t, std::uint64_t)> tell(InstallProgress::Work work) const {
        if (!progress) return {};
        return [this, work](std::uint64_t done, std::uint64_t total) { progress({work, done, total}); };
    }
};

} // namespace tinderbox::install
