// A progress line, drawn by a thread of its own so that the work does not wait for the terminal.
#pragma once

#include "common/base/reporter.hpp"
#include "common/base/ticker.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace tinderbox {

// Shown (Reporter::progress) after half a second of work; removed with the object.
class ProgressLine {
  public:
    struct State {
        std::string_view label;
        std::uint64_t done = 0, total = 0; // total: 0 = unknown
        std::string_view unit = "B";
    };
    // `state` is called from another thread, ten times a second.
    ProgressLine(Reporter& reporter, std::function<State()> state);
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    ~ProgressLine();

  private:
    Reporter& reporter_;
    std::function<State()> state_;
    bool shown_ = false;
    std::optional<Ticker> ticker_;
};

} // namespace tinderbox
