#include "common/base/progress_text.hpp"

#include "common/base/units.hpp"
#include "common/base/visible.hpp"
#include "common/base/wrap.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace tinderbox {
namespace {

// Seconds after which a sample has a third of its weight: long work has long pieces that are slow.
constexpr double shortest_memory = 5, longest_memory = 30, memory_share = 0.25; // the last of the time that has passed
constexpr double first_rate = 0.2;  // seconds of work before anybody can tell how fast it is
constexpr double longest = 1 << 22; // seconds: a longer time left is as good as unknown

// A part of the line, and the columns that it takes at most.
struct Part {
    std::string text;
    std::size_t width = 0;
};

Part padded_left(std::string text, std::size_t width) { return {fmt::format("{:>{}}", std::move(text), width), width}; }

constexpr std::size_t bytes_width = 7; // "1.23 GB"

Part amount_part(const ProgressState& state) {
    if (state.total == 0) return {amount_of(state.done, state.unit), 0};
    const std::string total = amount_of(state.total, state.unit);
    const bool bytes = state.unit == "B";
    Part done = padded_left(bytes ? amount_of(state.done, state.unit) : std::to_string(state.done),
                            bytes ? bytes_width : std::to_string(state.total).size());
    return {fmt::format("{} of {}", done.text, total), done.width + 4 + total.size()};
}

Part rate_part(const ProgressState& state, const Pace& pace) {
    const double rate = pace.rate();
    const bool bytes = state.unit == "B";
    if (state.unit == "s" || !(rate > 0)) return {};
    const auto whole = static_cast<std::uint64_t>(std::llround(rate));
    if (bytes) return padded_left(format_bytes(whole) + "/s", bytes_width + 2);
    if (whole == 0) return {};
    return padded_left(counted(whole, state.unit) + "/s", state.unit.size() + 9);
}

Part left_part(const ProgressState& state, const Pace& pace) {
    const auto left = pace.seconds_left(state.total);
    if (!left || state.done >= state.total) return {};
    // Tenths of a second would only flicker.
    const double whole = std::max(1.0, std::ceil(*left));
    return {"ETA " + (whole < 10 ? fmt::format("{:.0f} s", whole) : format_duration(whole)), 16};
}

} // namespace

void Pace::sample(double seconds, std::uint64_t done) {
    if (!start_) {
        start_ = at_ = seconds;
        done_ = done;
    }
    const double passed = seconds - at_;
    if (!(passed > 0)) return;
    const double memory = std::clamp((seconds - *start_) * memory_share, shortest_memory, longest_memory);
    const double kept = std::exp(-passed / memory);
    moved_ = moved_ * kept + static_cast<double>(done > done_ ? done - done_ : 0);
    time_ = time_ * kept + passed;
    at_ = seconds;
    done_ = std::max(done_, done);
}

double Pace::rate() const { return !start_ || at_ - *start_ < first_rate ? 0 : moved_ / time_; }

std::optional<double> Pace::seconds_left(std::uint64_t total) const {
    const double rate = this->rate();
    if (total < done_ || !(rate > 0)) return std::nullopt;
    const double left = static_cast<double>(total - done_) / rate;
    return left < longest ? std::optional(left) : std::nullopt;
}

std::string amount_of(std::uint64_t count, std::string_view unit) {
    if (unit == "B") return format_bytes(count);
    return unit == "s" ? fmt::format("{} s", count) : counted(count, unit);
}

std::string progress_text(const ProgressState& state, const Pace& pace, std::size_t width) {
    std::string label = visible(state.label);
    const Part amount = amount_part(state), rate = rate_part(state, pace);
    const bool log = width == 0; // no limit, and no bar
    if (log) width = SIZE_MAX / 2;
    constexpr std::size_t label_width = 12, gap = 2;
    std::size_t taken = std::max(label_width, label.size());
    auto fits = [&](const Part& part) {
        if (part.text.empty() || taken + gap + part.width > width) return false;
        taken += gap + part.width;
        return true;
    };
    std::string line = fmt::format("{:>{}}", label, label_width);
    if (state.total == 0) {
        line += " " + amount.text;
        taken = line.size();
        if (fits(rate)) line += "  " + rate.text;
    } else {
        const double share = std::min(1.0, static_cast<double>(state.done) / static_cast<double>(state.total));
        taken += std::string_view(" 100 %").size();
        const Part left = left_part(state, pace);
        // Its place is kept before it is known, so that the bar does not become shorter.
        const bool with_left = fits({"ETA", 16}), with_amount = fits(amount);
        const bool with_rate = fits({"rate", std::max(rate.width, bytes_width + 2)});
        constexpr std::size_t shortest_bar = 8, longest_bar = 24, brackets = 3;
        if (!log && taken + brackets + shortest_bar <= width) {
            const std::size_t bar = std::min(longest_bar, width - taken - brackets);
            const auto filled = static_cast<std::size_t>(share * static_cast<double>(bar));
            line += fmt::format(" [{}{}]", std::string(filled, '='), std::string(bar - filled, ' '));
        }
        line += fmt::format(" {:3.0f} %", std::floor(share * 100));
        if (with_amount) line += "  " + amount.text;
        if (with_rate && !rate.text.empty()) line += "  " + rate.text;
        if (with_left && !left.text.empty()) line += "  " + left.text;
    }
    while (line.ends_with(' ')) line.pop_back();
    return display_width(line) > width ? cut_to_width(line, width) : line; // a label of somebody's may be long
}

} // namespace tinderbox
