#include "common/base/interruption.hpp"

#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>

namespace tinderbox {
namespace {

std::atomic<bool> interrupted = false, ends_work = false;
std::atomic<std::int64_t> interrupted_at_ms = 0;

extern "C" void on_signal(int) {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const std::int64_t ms = std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
    // The second Ctrl-C does not wait. timeout(1) sends every signal twice: to its child, then to the group.
    if (!interrupted.exchange(true)) interrupted_at_ms = ms;
    else if (ms - interrupted_at_ms > 300) _exit(static_cast<int>(ErrorKind::interrupted));
}

} // namespace

const std::atomic<bool>& catch_interruptions() {
    struct sigaction action {};
    action.sa_handler = on_signal;
    for (int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
    return interrupted;
}

void end_work_when_interrupted() { ends_work = true; }

Status check_interrupted() {
    if (!ends_work || !interrupted) return {};
    return make_error(ErrorKind::interrupted, "interrupted");
}

bool work_can_be_interrupted() { return ends_work; }

} // namespace tinderbox
