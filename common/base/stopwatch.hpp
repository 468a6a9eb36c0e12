// How long the stages of a run took, for reports. For one thread.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tinderbox {

using StageTimes = std::vector<std::pair<std::string, double>>; // name → seconds of wall time, in order

inline double total_of(const StageTimes& times) {
    double sum = 0;
    for (const auto& [stage, seconds] : times) sum += seconds;
    return sum;
}

class Stopwatch {
  public:
    // `times` is filled, and must outlive the object.
    explicit Stopwatch(StageTimes& times) : times_(times) {}

    // The stage that ended here, since the last lap. A stage with several laps is one row, with their sum.
    void lap(std::string_view stage) {
        const double seconds = passed();
        for (auto& [name, sum] : times_)
            if (name == stage) {
                sum += seconds;
                return;
            }
        times_.emplace_back(stage, seconds);
    }
    // Time that is nobody's work: a person thought about a question.
    void skip() { (void)passed(); }

  private:
    double passed() {
        const auto now = std::chrono::steady_clock::now();
        const double seconds = std::chrono::duration<double>(now - last_).count();
        last_ = now;
        return seconds;
    }

    StageTimes& times_;
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

} // namespace tinderbox
