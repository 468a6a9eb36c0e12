// The Reporter that writes to standard error: aligned lines, and a progress line on a terminal, where messages wrap at
// words. Without colour under NO_COLOR or TERM=dumb, and where standard error is no terminal. Standard output belongs
// to results (--json, tables). Texts may be anybody's: control characters are shown, not obeyed
// (common/base/visible.hpp). Thread-safe, but for set_quiet() and set_log(), which belong before the work.
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
    // The --log file: everything that is said is also appended here, without colour, a message in one line, and of
    // each progress its last state. -1: no file. The descriptor is not owned.
    void set_log(int fd) { log_fd_ = fd; }
    // Appends what another writer has said (standard output, questions). A log that cannot be written is a warning,
    // once.
    void log(std::string_view text);
    bool interactive() const { return interactive_; }
    bool colour() const { return colour_; }
    std::string styled(Style style, std::string_view text) const;

    // "  label       text": the label is right-aligned in a 12-column field and bold.
    void note(std::string_view label, std::string_view text) override;
    void line(std::string_view text);                          // may hold what styled() and tables have coloured
    void line(std::string_view text, std::string_view logged); // the log gets another form of the same
    void warning(std::string_view text) override;              // "warning: …"
    void error(std::string_view text);                         // "error: …"

    // One line that is redrawn at most ten times a second: "label [=====   ] 43 %  1.2 GB/s  ETA 3 s".
    // Not a terminal: a plain line every 10 s. `total` 0 = unknown. Thread-safe.
    void progress(std::string_view label, std::uint64_t done, std::uint64_t total,
                  std::string_view unit = "B") override;
    // The same line for work that cannot be measured: "label 3 of 14: torchvision".
    void status(std::string_view label, std::string_view text);
    void end_progress() override;

  private:
    Terminal();
    void say(std::string_view label, std::size_t indent, std::string_view text, bool always);
    void write_line(std::string_view text, std::string_view logged, bool always);
    void log_line(std::string_view line);
    void clear_progress();
    std::string progress_line() const;
    void begin_progress(std::string_view label);
    void draw_progress(); // now
    void finish_progress();
    std::mutex mutex_;
    bool interactive_ = false, colour_ = false, quiet_ = false, progress_shown_ = false;
    int log_fd_ = -1;
    std::string progress_label_, progress_unit_, progress_text_; // label "": no progress; text: of status()
    std::uint64_t progress_done_ = 0, progress_total_ = 0;
    std::chrono::steady_clock::time_point progress_start_, progress_last_, progress_drawn_;
};

} // namespace tinderbox
