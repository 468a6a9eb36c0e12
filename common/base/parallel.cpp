#include "common/base/parallel.hpp"

#include "common/base/guarded.hpp"
#include "common/base/interruption.hpp"
#include "common/base/threads.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>

namespace tinderbox {

unsigned available_cpus() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1u, static_cast<unsigned>(CPU_COUNT(&set)));
    return std::max(1u, std::thread::hardware_concurrency());
}

Status parallel_for(std::size_t count, unsigned threads, const std::function<Status(std::size_t)>& work) {
    if (threads == 0) threads = available_cpus();
    threads = static_cast<unsigned>(std::min<std::size_t>(threads, count));
    std::atomic<std::size_t> next = 0;
    std::atomic<bool> failed = false;
    auto loop = [&](const std::stop_token&) -> Status {
        while (!failed) {
            std::size_t index = next++;
            if (index >= count) break;
            TRY(check_interrupted());
            TRY(work(index));
        }
        return {};
    };
    Threads others([&] { failed = true; });
    // Where the system gives fewer threads, those do all of the work.
    while (others.size() + 1 < threads && others.start(loop).ok()) {
    }
    Status own = guarded([&] { return loop({}); });
    if (!own.ok()) failed = true;
    Status theirs = others.join();
    return theirs.ok() ? own : theirs;
}

} // namespace tinderbox
