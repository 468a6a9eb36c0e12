// A progress line for work that has something better to do than to draw.
#pragma once

#include "common/base/ticker.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace tinderbox {

// Shown (Terminal::progress) once the work has lasted half a second, taken away with the object.
class ProgressLine {
  public:
    struct State {
        std::string_view label;
        std::uint64_t done = 0, total = 0; // total: 0 = unknown
        std::string_view unit = "B";
    };
    // `state` is called from another thread, ten times a second.
    explicit ProgressLine(std::function<State()> state);
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    ~ProgressLine();

  private:
    std::function<State()> state_;
    bool shown_ = false;
    std::optional<Ticker> ticker_;
};

} // namespace tinderbox
