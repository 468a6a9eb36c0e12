#include "common/base/standard_output.hpp"

#include "common/base/terminal.hpp"
#include "common/base/visible.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>

namespace tinderbox {
namespace {

constexpr std::size_t piece = 65536;

std::mutex mutex;
std::string waiting;
int failure = 0; // errno

void write_waiting() {
    std::string_view rest = waiting;
    while (failure == 0 && !rest.empty()) {
        const ssize_t n = ::write(STDOUT_FILENO, rest.data(), rest.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) failure = errno;
        else rest.remove_prefix(static_cast<std::size_t>(n));
    }
    waiting.clear();
}

void write_shown(std::string_view shown, std::string_view logged) {
    Terminal::get().log(logged);
    waiting += shown;
    if (waiting.size() >= piece) write_waiting();
}

} // namespace

void write_output(std::string_view text) {
    const std::string shown = visible_output(text, Terminal::get().colour());
    std::lock_guard lock(mutex);
    write_shown(shown, shown);
}

void write_output(std::string_view text, std::string_view logged) {
    const bool colour = Terminal::get().colour();
    std::lock_guard lock(mutex);
    write_shown(visible_output(text, colour), visible_output(logged, colour));
}

Status flush_output() {
    std::lock_guard lock(mutex);
    write_waiting();
    if (failure == 0) return {};
    if (failure == EPIPE) return Error{ErrorKind::storage, ""};
    return errno_error("cannot write to standard output", failure);
}

int finish_output(int code) {
    const Status written = flush_output();
    if (written.ok()) return code;
    if (!written.error().message.empty()) Terminal::get().error(written.error().message);
    return code == 0 || code == 1 ? static_cast<int>(written.error().kind) : code;
}

void reserve_standard_descriptors() {
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(fd, F_GETFD) >= 0) continue;
        // open() gives the lowest free number, which is this one. Each is opened the wrong way round.
        if (::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) return;
    }
}

} // namespace tinderbox
