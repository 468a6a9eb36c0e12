// The Reporter that writes to standard error: aligned lines, and a progress line on a terminal, where messages wrap at
// words. Without colour under NO_COLOR or TERM=dumb, and where standard error is no terminal. Standard output belongs
// to results (--json, tables). Texts may be anybody's: control characters are shown, not obeyed
// (common/base/visible.hpp). Thread-safe, but for set_quiet() and set_log(), which belong before the work.
#pragma once

#include "common/base/progress_text.hpp"
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

    // One line (progress_text.hpp) that is redrawn at most ten times a second, from half a second after the first call
    // with this label on. Not a terminal: a plain line every 10 s. `total` 0 = unknown. Thread-safe.
    void progress(std::string_view label, std::uint64_t done, std::uint64_t total,
                  std::string_view unit = "B") override;
    // The same line for work that cannot be measured: "label 3 of 14: torchvision".
    void status(std::string_view label, std::string_view text);
    void end_progress() override;
    // The label of the last progress line, whether it was drawn or not: what the program does, or has just done.
    std::string phase() const;

  private:
    using Clock = std::chrono::steady_clock;
    Terminal();
    void say(std::string_view label, std::size_t indent, std::string_view text, bool always);
    void write_line(std::string_view text, std::string_view logged, bool always);
    void log_line(std::string_view line);
    void clear_progress();
    void begin_phase(std::string_view label, Clock::duration until_first_line);
    std::string progress_line(std::size_t width) const;
    void draw_progress(Clock::duration until_next_line);
    void finish_progress();
    mutable std::mutex mutex_;
    bool interactive_ = false, colour_ = false, quiet_ = false, progress_shown_ = false;
    int log_fd_ = -1;
    std::string progress_label_, phase_;        // the first is empty between two lines
    std::string progress_unit_, progress_text_; // the text is that of status()
    std::uint64_t progress_done_ = 0, progress_total_ = 0;
    Pace pace_; // of the work with this label
    Clock::time_point progress_start_, progress_next_;
};

} // namespace tinderbox
