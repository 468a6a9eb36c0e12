#include "common/base/progress.hpp"

#include "common/base/terminal.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace tinderbox {

ProgressLine::ProgressLine(std::function<State()> state)
    : state_(std::move(state)), thread_([this](std::stop_token stop) { run(stop); }) {}

ProgressLine::~ProgressLine() {
    thread_.request_stop();
    thread_.join();
}

void ProgressLine::run(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any ended;
    std::unique_lock lock(mutex);
    bool shown = false;
    for (;; shown = true) {
        ended.wait_for(lock, stop, std::chrono::milliseconds(shown ? 100 : 500), [] { return false; });
        if (stop.stop_requested()) break;
        const State now = state_();
        Terminal::get().progress(now.label, now.done, now.total, now.unit);
    }
    if (shown) Terminal::get().end_progress();
}

} // namespace tinderbox
