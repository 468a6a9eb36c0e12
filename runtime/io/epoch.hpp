// Points in time at which no work is in flight, so that all earlier work can be made durable and recorded.
#pragma once

#include "common/base/guarded.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace tinderbox::io {

class EpochGate {
  public:
    using Clock = std::chrono::steady_clock;
    // An epoch ends after `every` seconds or `bytes` of work, the first one not before `after` seconds.
    EpochGate(unsigned workers, double every, std::uint64_t bytes, double after, std::function<Status()> record)
        : active_(workers), every_(every), bytes_(bytes), record_(std::move(record)),
          first_(Clock::now() + seconds(after)), next_(Clock::now() + seconds(std::max(every, after))) {}

    void did(std::uint64_t bytes) { since_ += bytes; }

    // While this is true, workers take no new work, finish their own, and call meet().
    bool due() {
        if (!record_) return false;
        if (due_) return true;
        const auto now = Clock::now();
        if (now >= next_.load() || (since_ >= bytes_ && now >= first_)) due_ = true;
        return due_;
    }
    // The last worker to arrive records; then all continue.
    Status meet() {
        std::unique_lock lock(mutex_);
        if (++waiting_ == active_) return complete();
        auto generation = generation_;
        arrived_.wait(lock, [&] { return generation != generation_; });
        return {};
    }
    // A worker leaves for good. After a failure nothing is recorded any more.
    Status leave(bool failed) {
        std::lock_guard lock(mutex_);
        if (failed) failed_ = true;
        if (--active_ > 0 && waiting_ == active_) return complete();
        return {};
    }

  private:
    static Clock::duration seconds(double s) {
        return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(s));
    }
    Status complete() {
        Status status = failed_ ? Status() : guarded(record_);
        next_ = Clock::now() + seconds(every_);
        since_ = 0;
        due_ = false;
        waiting_ = 0;
        ++generation_;
        arrived_.notify_all();
        return status;
    }
    std::mutex mutex_;
    std::condition_variable arrived_;
    unsigned active_, waiting_ = 0;
    std::uint64_t generation_ = 0;
    bool failed_ = false;
    double every_;
    std::uint64_t bytes_;
    std::atomic<std::uint64_t> since_ = 0;
    std::function<Status()> record_;
    const Clock::time_point first_;
    std::atomic<Clock::time_point> next_;
    std::atomic<bool> due_ = false;
};

} // namespace tinderbox::io
