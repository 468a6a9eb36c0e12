// What a progress line says: how much is done, how fast it goes, when it ends. Pure functions of numbers; a Pace
// belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tinderbox {

// The speed of work: a moving average over its last seconds, so that the time that is left follows a disk that became
// slower, and does not jump with every piece. In the first seconds it is the average since the start.
class Pace {
  public:
    // `seconds` on a clock. What is done at the first sample was done before (by an interrupted run), and tells nothing
    // about the speed. Neither number may fall; one that does counts as unchanged.
    void sample(double seconds, std::uint64_t done);
    double rate() const; // units a second; 0 = unknown yet, or nothing moves
    // Seconds from the last sample until `total`. nullopt: nobody knows.
    std::optional<double> seconds_left(std::uint64_t total) const;

  private:
    std::optional<double> start_;          // of the first sample
    double at_ = 0, moved_ = 0, time_ = 0; // the last two lose weight as they grow old
    std::uint64_t done_ = 0;
};

struct ProgressState {
    std::string_view label;
    std::uint64_t done = 0, total = 0; // total: 0 = unknown
    std::string_view unit = "B";       // "B": bytes, which are scaled; "s": seconds; else a singular, "file"
};

// "    removing [=====     ]  43 %  1200 of 2800 files  400 files/s  ETA 4 s", in at most `width` columns: what does
// not fit is left out, the percentage and the time left last of all. `width` 0: no limit, and no bar, for a log. The
// columns stand still while the numbers grow. Control characters of the label are shown.
std::string progress_text(const ProgressState& state, const Pace& pace, std::size_t width);

// "1 file", "2 files", "1.20 GB", "4 s".
std::string amount_of(std::uint64_t count, std::string_view unit);

} // namespace tinderbox
