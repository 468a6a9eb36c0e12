#include "common/base/terminal.hpp"

#include "common/base/file.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/base/visible.hpp"
#include "common/base/wrap.hpp"

#include <unistd.h>

#include <algorithm>
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

std::string Terminal::progress_line() const {
    const double seconds = std::chrono::duration<double>(progress_last_ - progress_start_).count();
    const double rate = seconds > 0.2 ? static_cast<double>(progress_done_) / seconds : 0;
    auto amount = [&](std::uint64_t n) {
        if (progress_unit_ == "B") return format_bytes(n);
        return progress_unit_ == "s" ? fmt::format("{} s", n) : counted(n, progress_unit_);
    };
    const std::string label = fmt::format("{:>12} ", visible(progress_label_));
    if (!progress_text_.empty()) return label + progress_text_;
    if (progress_total_ == 0) return label + amount(progress_done_);
    const double share = std::min(1.0, static_cast<double>(progress_done_) / static_cast<double>(progress_total_));
    const auto filled = static_cast<std::size_t>(share * 24);
    std::string out = fmt::format("{}[{}{}] {:3.0f} %  {}", label, std::string(filled, '='),
                                  std::string(24 - filled, ' '), share * 100, amount(progress_done_));
    if (rate > 0 && progress_unit_ == "B") out += fmt::format("  {}/s", format_bytes(static_cast<std::uint64_t>(rate)));
    if (rate > 0 && progress_done_ < progress_total_ && seconds > 1)
        out += fmt::format("  ETA {}", format_duration(static_cast<double>(progress_total_ - progress_done_) / rate));
    return out;
}

// The log has no redrawn lines, only the last state.
void Terminal::finish_progress() {
    clear_progress();
    if (!progress_label_.empty() && log_fd_ >= 0) {
        progress_last_ = std::chrono::steady_clock::now();
        log_line(progress_line() + "\n");
    }
    progress_label_.clear();
}

void Terminal::begin_progress(std::string_view label) {
    if (label == progress_label_) return;
    finish_progress();
    progress_label_ = label;
    progress_start_ = std::chrono::steady_clock::now();
    progress_drawn_ = interactive_ ? std::chrono::steady_clock::time_point{} : progress_start_;
}

void Terminal::draw_progress() {
    progress_drawn_ = progress_last_ = std::chrono::steady_clock::now();
    std::string line = progress_line();
    if (!interactive_) {
        write_all(2, line + "\n");
        return;
    }
    if (const std::size_t width = terminal_width(2); width > 1) line = cut_to_width(line, width - 1);
    write_all(2, "\r\x1b[K" + line);
    progress_shown_ = true;
}

void Terminal::progress(std::string_view label, std::uint64_t done, std::uint64_t total, std::string_view unit) {
    std::lock_guard lock(mutex_);
    begin_progress(label);
    progress_text_.clear();
    progress_unit_ = unit;
    progress_done_ = done;
    progress_total_ = total;
    const auto pause = interactive_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10000);
    if (!quiet_ && std::chrono::steady_clock::now() - progress_drawn_ >= pause) draw_progress();
}

// Each text is drawn at once: the next may be long in coming.
void Terminal::status(std::string_view label, std::string_view text) {
    std::lock_guard lock(mutex_);
    begin_progress(label);
    progress_text_ = visible(text);
    const bool due = interactive_ || std::chrono::steady_clock::now() - progress_drawn_ >= std::chrono::seconds(10);
    if (!quiet_ && due) draw_progress();
}

void Terminal::end_progress() {
    std::lock_guard lock(mutex_);
    finish_progress();
}

} // namespace tinderbox
