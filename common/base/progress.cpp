#include "common/base/progress.hpp"

namespace tinderbox {

ProgressLine::ProgressLine(Reporter& reporter, std::function<State()> state)
    : reporter_(reporter), state_(std::move(state)) {
    ticker_.emplace(
        [this] {
            const State now = state_();
            reporter_.progress(now.label, now.done, now.total, now.unit);
            told_ = true;
        },
        std::chrono::milliseconds(100), std::chrono::milliseconds(0));
}

ProgressLine::~ProgressLine() {
    ticker_.reset();
    if (told_) reporter_.end_progress();
}

ElapsedLine::ElapsedLine(Reporter& reporter, std::string label)
    : label_(std::move(label)), line_(reporter, [this, start = std::chrono::steady_clock::now()] {
          const auto passed = std::chrono::steady_clock::now() - start;
          const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(passed).count();
          return ProgressState{label_, static_cast<std::uint64_t>(seconds), 0, "s"};
      }) {}

void ProgressCounter::add(std::uint64_t amount) {
    done_ += amount;
    if (!tell_) return;
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) return;
    const auto now = std::chrono::steady_clock::now();
    const std::uint64_t done = done_;
    if (now < next_ && done != total_) return;
    next_ = now + std::chrono::milliseconds(50);
    tell_(done, total_);
}

} // namespace tinderbox
