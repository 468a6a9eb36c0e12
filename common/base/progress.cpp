#include "common/base/progress.hpp"

namespace tinderbox {

ProgressLine::ProgressLine(Reporter& reporter, std::function<State()> state)
    : reporter_(reporter), state_(std::move(state)) {
    ticker_.emplace(
        [this] {
            const State now = state_();
            reporter_.progress(now.label, now.done, now.total, now.unit);
            shown_ = true;
        },
        std::chrono::milliseconds(100), std::chrono::milliseconds(500));
}

ProgressLine::~ProgressLine() {
    ticker_.reset();
    if (shown_) reporter_.end_progress();
}

} // namespace tinderbox
