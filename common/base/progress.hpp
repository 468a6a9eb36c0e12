// A progress line for work that has something better to do than to draw: a thread of its own asks how far it is.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <thread>

namespace tinderbox {

// Shown (Terminal::progress) once the work has lasted half a second, taken away with the object.
class ProgressLine {
  public:
    struct State {
        std::string_view label;
        std::uint64_t done = 0, total = 0; // total: 0 = unknown
        std::string_view unit = "B";
    };
    // `state` is called from the other thread, ten times a second.
    explicit ProgressLine(std::function<State()> state);
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    ~ProgressLine();

  private:
    void run(const std::stop_token& stop);
    std::function<State()> state_;
    std::jthread thread_;
};

} // namespace tinderbox
