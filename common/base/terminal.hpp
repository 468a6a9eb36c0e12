// The Reporter that writes to standard error: aligned lines, and a progress line on a terminal. Without colour under
// NO_COLOR or TERM=dumb, and where standard error is no terminal. Standard output belongs to results (--json, tables).
// Texts may be anybody's: control characters are shown, not obeyed (common/base/visible.hpp).
// Thread-safe, but for set_quiet() and set_log_fd(), which belong before the work.
#pragma once

#include "common/base/reporter.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace tinderbox {

enum class Style { plain, bold, dim, green, yellow, red };

class Terminal final : public Reporter {
  public:
    static Terminal& get();

    void set_quiet(bool quiet) { quiet_ = quiet; } // drops note() and progress, never warnings and errors
    // Every line printed is also appended here, without colour (the --log file). -1: no file. The descriptor is not
    // owned.
    void set_log_fd(int fd) { log_fd_ = fd; }
    bool interactive() const { return interactive_; }
    bool colour() const { return colour_; }
    std::string styled(Style style, std::string_view text) const;

    // "  label       text": the label is right-aligned in a 12-column field and bold.
    void note(std::string_view label, std::string_view text) override;
    void line(std::string_view text);             // may hold what styled() and tables have coloured
    void warning(std::string_view text) override; // "warning: …"
    void error(std::string_view text);            // "error: …"

    // One line that is redrawn at most ten times a second: "label [=====   ] 43 %  1.2 GB/s  ETA 3 s".
    // Not a terminal: a plain line every 10 s. `total` 0 = unknown. Thread-safe.
    void progress(std::string_view label, std::uint64_t done, std::uint64_t total,
                  std::string_view unit = "B") override;
    // The same line for work that cannot be measured: "label 3 of 14: torchvision".
    void status(std::string_view label, std::string_view text);
    void end_progress() override;

  private:
    Terminal();
    void write_line(std::string_view text);
    void clear_progress();
    void draw(const std::string& line); // the progress line
    std::mutex mutex_;
    bool interactive_ = false, colour_ = false, quiet_ = false, progress_shown_ = false;
    int log_fd_ = -1;
    std::string progress_label_;
    std::chrono::steady_clock::time_point progress_start_, progress_last_;
};

} // namespace tinderbox
