#include "common/base/parallel.hpp"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

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
    std::mutex mutex;
    Status first;
    auto loop = [&] {
        while (!failed) {
            std::size_t index = next++;
            if (index >= count) return;
            Status status = work(index);
            if (status.ok()) continue;
            std::lock_guard lock(mutex);
            if (!failed.exchange(true)) first = std::move(status);
        }
    };
    std::vector<std::jthread> pool;
    for (unsigned i = 1; i < threads; ++i) pool.emplace_back(loop);
    loop();
    pool.clear();
    return first;
}

} // namespace tinderbox
