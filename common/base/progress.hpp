// Progress of work in several threads: a line drawn by a thread of its own, so that the work does not wait for the
// terminal, and a counter.
#pragma once

#include "common/base/progress_text.hpp"
#include "common/base/reporter.hpp"
#include "common/base/ticker.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

namespace tinderbox {

// Tells the reporter about the work (Reporter::progress), and that it has ended, with the object.
class ProgressLine {
  public:
    using State = ProgressState;
    // `state` is called from another thread, ten times a second. The label must outlive the object.
    ProgressLine(Reporter& reporter, std::function<State()> state);
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    ~ProgressLine();

  private:
    Reporter& reporter_;
    std::function<State()> state_;
    std::atomic<bool> told_ = false;
    std::optional<Ticker> ticker_;
};

// For work that nobody can measure: the seconds since it began.
class ElapsedLine {
  public:
    ElapsedLine(Reporter& reporter, std::string label);

  private:
    std::string label_;
    ProgressLine line_;
};

// What several threads have done together. Thread-safe.
class ProgressCounter {
  public:
    using Tell = std::function<void(std::uint64_t done, std::uint64_t total)>;
    // `tell` may be empty. `total` 0 = unknown.
    ProgressCounter(Tell tell, std::uint64_t total) : tell_(std::move(tell)), total_(total) {}

    // Calls `tell` in this thread: at most every 50 ms, one call at a time, and at the end. No thread waits for
    // another's call.
    void add(std::uint64_t amount);
    std::uint64_t done() const { return done_; }

  private:
    Tell tell_;
    std::uint64_t total_;
    std::atomic<std::uint64_t> done_ = 0;
    std::mutex mutex_;
    std::chrono::steady_clock::time_point next_;
};

} // namespace tinderbox
