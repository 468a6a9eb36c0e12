// Threads that work for one caller, and whose failures reach it.
#pragma once

#include "common/base/result.hpp"

#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace tinderbox {

// Every thread of Tinderbox is started here, so that an exception in one becomes an error of the caller's. start(),
// stop() and join() are for one thread.
class Threads {
  public:
    using Body = std::function<Status(std::stop_token)>;
    // `failed` is called once, by the first thread that fails, after the stop was requested: it wakes the others.
    explicit Threads(std::function<void()> failed = {}) : failed_(std::move(failed)) {}
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;
    ~Threads(); // stops and waits

    // Kind storage: the system gives no further thread, and `body` is not called.
    Status start(Body body);
    std::size_t size() const { return threads_.size(); }
    void stop() { stop_.request_stop(); }
    // Waits for all; the error of the first that failed.
    Status join();

  private:
    void run(const Body& body) noexcept;

    std::function<void()> failed_;
    std::stop_source stop_;
    std::mutex mutex_;
    Status first_;
    std::vector<std::thread> threads_;
};

} // namespace tinderbox
