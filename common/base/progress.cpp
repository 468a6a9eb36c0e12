#include "common/base/progress.hpp"

#include "common/base/terminal.hpp"

namespace tinderbox {

ProgressLine::ProgressLine(std::function<State()> state) : state_(std::move(state)) {
    ticker_.emplace(
        [this] {
            const State now = state_();
            Terminal::get().progress(now.label, now.done, now.total, now.unit);
            shown_ = true;
        },
        std::chrono::milliseconds(100), std::chrono::milliseconds(500));
}

ProgressLine::~ProgressLine() {
    ticker_.reset();
    if (shown_) Terminal::get().end_progress();
}

} // namespace tinderbox
