// Calls a function again and again while work goes on: for progress.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace tinderbox {

class Ticker {
  public:
    // Calls `tick` in a thread of its own after `first`, then every `period`. The destructor waits for a running call,
    // and no call follows.
    explicit Ticker(std::function<void()> tick, std::chrono::milliseconds period = std::chrono::milliseconds(100),
                    std::chrono::milliseconds first = std::chrono::milliseconds(100))
        : thread_([tick = std::move(tick), period, first](std::stop_token stop) {
              std::mutex mutex;
              std::condition_variable_any ended;
              std::unique_lock lock(mutex);
              for (auto pause = first;; pause = period) {
                  ended.wait_for(lock, stop, pause, [] { return false; });
                  if (stop.stop_requested()) return;
                  tick();
              }
          }) {}

  private:
    std::jthread thread_;
};

} // namespace tinderbox
