#include "common/base/terminal.hpp"

#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/base/visible.hpp"
#include "common/base/wrap.hpp"

#include <unistd.h>

#include <cstdlib>

namespace tinderbox {
namespace {

// False: standard error is closed or full, and messages have no other place to go.
bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        ssize_t n = ::write(fd, text.data(), text.size());
        if (n <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

std::string without_styles(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\x1b') {
            while (i < text.size() && text[i] != 'm') ++i;
            continue;
        }
        out += text[i];
    }
    return out;
}

} // namespace

Terminal& Terminal::get() {
    static Terminal terminal;
    return terminal;
}

Terminal::Terminal() {
    const char* term = std::getenv("TERM");
    const char* no_color = std::getenv("NO_COLOR");
    interactive_ = ::isatty(2) == 1 && term && std::string_view(term) != "dumb";
    colour_ = interactive_ && !(no_color && *no_color);
}

std::string Terminal::styled(Style style, std::string_view text) const {
    static constexpr const char* codes[] = {"", "1", "2", "32", "33", "31"};
    if (!colour_ || style == Style::plain) return std::string(text);
    return fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<int>(style)], text);
}

void Terminal::clear_progress() {
    if (progress_shown_ && interactive_) write_all(2, "\r\x1b[K");
    progress_shown_ = false;
}

void Terminal::log_line(std::string_view line) {
    if (log_fd_ < 0 || write_exact(log_fd_, as_bytes(without_styles(line)), "the log").ok()) return;
    log_fd_ = -1;
    write_all(2, "warning: the log file cannot be written, and is not complete\n");
}

void Terminal::log(std::string_view text) {
    std::lock_guard lock(mutex_);
    log_line(text);
}

// --quiet keeps a line from the terminal, not from the log.
void Terminal::write_line(std::string_view text, std::string_view logged, bool always) {
    std::lock_guard lock(mutex_);
    if (!quiet_ || always) {
        clear_progress();
        write_all(2, std::string(text) + "\n");
    }
    log_line(std::string(logged) + "\n");
}

// `label` takes `indent` columns with the blank behind it.
void Terminal::say(std::string_view label, std::size_t indent, std::string_view text, bool always) {
    const std::string words = visible_lines(text);
    write_line(fmt::format("{} {}", label, wrapped(words, indent, interactive_ ? terminal_width(2) : 0)),
               fmt::format("{} {}", label, words), always);
}

void Terminal::note(std::string_view label, std::string_view text) {
    const std::string shown = fmt::format("{:>12}", visible(label));
    say(styled(Style::bold, shown), display_width(shown) + 1, text, false);
}
void Terminal::line(std::string_view text) { line(text, text); }
void Terminal::line(std::string_view text, std::string_view logged) {
    write_line(visible_output(text, colour_), visible_output(logged, colour_), false);
}
void Terminal::warning(std::string_view text) { say(styled(Style::yellow, "warning:"), 9, text, true); }
void Terminal::error(std::string_view text) { say(styled(Style::red, "error:"), 7, text, true); }

// `width` 0: for the log, or where there is no terminal.
std::string Terminal::progress_line(std::size_t width) const {
    if (progress_text_.empty())
        return progress_text({progress_label_, progress_done_, progress_total_, progress_unit_}, pace_, width);
    std::string line = fmt::format("{:>12} {}", visible(progress_label_), progress_text_);
    return width > 0 && display_width(line) > width ? cut_to_width(line, width) : line;
}

// The log has no redrawn lines, only the last state.
void Terminal::finish_progress() {
    clear_progress();
    if (!progress_label_.empty() && log_fd_ >= 0) log_line(progress_line(0) + "\n");
    progress_label_.clear();
}

void Terminal::begin_phase(std::string_view label, Clock::duration until_first_line) {
    if (label == progress_label_) return;
    finish_progress();
    progress_label_ = phase_ = label;
    pace_ = Pace();
    progress_start_ = Clock::now();
    progress_next_ = progress_start_ + until_first_line;
}

void Terminal::draw_progress(Clock::duration until_next_line) {
    const auto now = Clock::now();
    if (quiet_ || now < progress_next_) return;
    progress_next_ = now + until_next_line;
    if (!interactive_) {
        write_all(2, progress_line(0) + "\n");
        return;
    }
    const std::size_t width = terminal_width(2);
    write_all(2, "\r\x1b[K" + progress_line((width > 0 ? width : 80) - 1));
    progress_shown_ = true;
}

void Terminal::progress(std::string_view label, std::uint64_t done, std::uint64_t total, std::string_view unit) {
    std::lock_guard lock(mutex_);
    const std::chrono::milliseconds pause(interactive_ ? 100 : 10000);
    // What ends sooner is not worth a line.
    constexpr std::chrono::milliseconds unseen(500);
    begin_phase(label, interactive_ ? unseen : pause);
    progress_text_.clear();
    progress_unit_ = unit;
    progress_done_ = done;
    progress_total_ = total;
    pace_.sample(std::chrono::duration<double>(Clock::now() - progress_start_).count(), done);
    draw_progress(pause);
}

// Each text is drawn at once: the next may be long in coming.
void Terminal::status(std::string_view label, std::string_view text) {
    std::lock_guard lock(mutex_);
    const std::chrono::milliseconds pause(interactive_ ? 0 : 10000);
    begin_phase(label, pause);
    progress_text_ = visible(text);
    draw_progress(pause);
}

void Terminal::end_progress() {
    std::lock_guard lock(mutex_);
    finish_progress();
}

std::string Terminal::phase() const {
    std::lock_guard lock(mutex_);
    return phase_;
}

} // namespace tinderbox
