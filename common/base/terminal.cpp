#include "common/base/terminal.hpp"

#include "common/base/log_text.hpp"
#include "common/base/text.hpp"
#include "common/base/units.hpp"
#include "common/base/visible.hpp"

#include <sys/ioctl.h>
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

void log_line(int& log_fd, std::string_view line) {
    if (log_fd < 0 || append_to_log(log_fd, line)) return;
    log_fd = -1;
    write_all(2, fmt::format("warning: {}\n", log_is_incomplete));
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

void Terminal::write_line(std::string_view text) {
    std::lock_guard lock(mutex_);
    clear_progress();
    std::string full = std::string(text) + "\n";
    write_all(2, full);
    log_line(log_fd_, full);
}

// --quiet keeps a line from the terminal, not from the log.
void Terminal::note(std::string_view label, std::string_view text) {
    const std::string line =
        fmt::format("{} {}", styled(Style::bold, fmt::format("{:>12}", visible(label))), visible_lines(text));
    if (!quiet_) return write_line(line);
    std::lock_guard lock(mutex_);
    log_line(log_fd_, line + "\n");
}
void Terminal::line(std::string_view text) {
    const std::string line = visible_output(text, colour_);
    if (!quiet_) return write_line(line);
    std::lock_guard lock(mutex_);
    log_line(log_fd_, line + "\n");
}
void Terminal::warning(std::string_view text) {
    write_line(fmt::format("{} {}", styled(Style::yellow, "warning:"), visible_lines(text)));
}
void Terminal::error(std::string_view text) {
    write_line(fmt::format("{} {}", styled(Style::red, "error:"), visible_lines(text)));
}

void Terminal::progress(std::string_view label, std::uint64_t done, std::uint64_t total, std::string_view unit) {
    if (quiet_) return;
    std::lock_guard lock(mutex_);
    auto now = std::chrono::steady_clock::now();
    if (label != progress_label_) {
        progress_label_ = label;
        progress_start_ = now;
        progress_last_ = interactive_ ? std::chrono::steady_clock::time_point{} : now;
    }
    auto pause = interactive_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(10000);
    if (now - progress_last_ < pause) return;
    progress_last_ = now;
    double seconds = std::chrono::duration<double>(now - progress_start_).count();
    double rate = seconds > 0.2 ? static_cast<double>(done) / seconds : 0;
    std::string text;
    auto amount = [&](std::uint64_t n) { return unit == "B" ? format_bytes(n) : fmt::format("{} {}", n, unit); };
    if (total > 0) {
        double share = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
        auto filled = static_cast<std::size_t>(share * 24);
        text = fmt::format("[{}{}] {:3.0f} %  {}", std::string(filled, '='), std::string(24 - filled, ' '), share * 100,
                           amount(done));
        if (rate > 0 && unit == "B") text += fmt::format("  {}/s", format_bytes(static_cast<std::uint64_t>(rate)));
        if (rate > 0 && done < total && seconds > 1)
            text += fmt::format("  ETA {}", format_duration(static_cast<double>(total - done) / rate));
    } else {
        text = amount(done);
    }
    draw(fmt::format("{:>12} {}", visible(label), text));
}

// Each text is drawn at once: the next may be long in coming.
void Terminal::status(std::string_view label, std::string_view text) {
    if (quiet_) return;
    std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (label != progress_label_) {
        progress_label_ = label;
        progress_last_ = now;
    }
    if (!interactive_ && now - progress_last_ < std::chrono::seconds(10)) return;
    progress_last_ = now;
    draw(fmt::format("{:>12} {}", visible(label), visible(text)));
}

void Terminal::draw(const std::string& line) {
    if (!interactive_) {
        write_all(2, line + "\n");
        return;
    }
    winsize size{};
    const bool known = ::ioctl(2, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    write_all(2, "\r\x1b[K" + line.substr(0, known ? size.ws_col - 1u : std::string::npos));
    progress_shown_ = true;
}

void Terminal::end_progress() {
    std::lock_guard lock(mutex_);
    clear_progress();
    progress_label_.clear();
}

} // namespace tinderbox
