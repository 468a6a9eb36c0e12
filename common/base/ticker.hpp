// Calls a function again and again while work goes on: for progress.
#pragma once

#include "common/base/threads.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace tinderbox {

class Ticker {
  public:
    // Calls `tick` in a thread of its own after `first`, then every `period`. The destructor waits for a running call,
    // and no call follows. Where the system gives no thread, nothing ticks.
    explicit Ticker(std::function<void()> tick, std::chrono::milliseconds period = std::chrono::milliseconds(100),
                    std::chrono::milliseconds first = std::chrono::milliseconds(100)) {
        (void)thread_.start([tick = std::move(tick), period, first](const std::stop_token& stop) -> Status {
            std::mutex mutex;
            std::condition_variable_any ended;
            std::unique_lock lock(mutex);
            for (auto pause = first;; pause = period) {
                ended.wait_for(lock, stop, pause, [] { return false; });
                if (stop.stop_requested()) return {};
                tick();
            }
        });
    }

  private:
    Threads thread_;
};

} // namespace tinderbox
