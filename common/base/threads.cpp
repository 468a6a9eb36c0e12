#include "common/base/threads.hpp"

#include "common/base/guarded.hpp"

#include <system_error>

namespace tinderbox {

Threads::~Threads() {
    stop();
    (void)join();
}

Status Threads::start(Body body) {
    try {
        threads_.reserve(threads_.size() + 1);
        threads_.emplace_back([this, body = std::move(body)] { run(body); });
    } catch (const std::system_error& error) {
        return errno_error("cannot start a thread", error.code().value());
    } catch (...) {
        return current_exception_as_error();
    }
    return {};
}

void Threads::run(const Body& body) noexcept {
    Status status = guarded([&] { return body(stop_.get_token()); });
    if (status.ok()) return;
    {
        std::lock_guard lock(mutex_);
        if (!first_.ok()) return;
        first_ = std::move(status);
    }
    stop();
    if (failed_) failed_();
}

Status Threads::join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
    return std::exchange(first_, Status());
}

} // namespace tinderbox
