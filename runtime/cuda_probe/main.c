// cuda_probe tells whether the NVIDIA driver of this machine really runs kernels. See docs/inside/cuda-probe.md.
//
// A driver can crash the process that opens it. A call into it can hang for ever: SIGKILL does not end a process that
// waits inside a broken kernel module. So this program never opens the driver itself. Each stage runs in a child; the
// parent passes on the child's lines, notices its death, and ends on time in every case.
//
// It writes no file. Only the dynamic linker and NVIDIA's libraries read the environment.
#define _GNU_SOURCE
#include "events.h"
#include "images.h"
#include "progress.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };
enum { DEFAULT_SECONDS = 120, MAX_SECONDS = 86400, DEFAULT_MEMORY = 10, MAX_MEMORY = 95, NOISE_LINES = 40 };

enum Outcome { NOT_ASKED, NOT_AVAILABLE, NOT_RUN, PASSED, FAILED, CRASHED, TIMED_OUT };
static const char* const outcome_names[] = {"not_asked", "not_available", "not_run", "passed",
                                            "failed",    "crashed",       "timeout"};

struct Progress* progress;
struct StageOptions stage_options = {.memory_percent = DEFAULT_MEMORY};

double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

void progress_call(const char* name) {
    size_t n = strlen(name);
    if (n >= sizeof progress->call) n = sizeof progress->call - 1;
    memcpy(progress->call, name, n);
    progress->call[n] = 0;
}

struct Options {
    bool stages[3]; // indexed by stage: [1], [2]
    int seconds;
};

static bool parse_number(const char* text, long least, long most, int* number) {
    char* end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (*text == 0 || *end != 0 || errno != 0 || value < least || value > most) return false;
    *number = (int)value;
    return true;
}

static bool parse_options(int argc, char** argv, struct Options* options) {
    options->stages[1] = options->stages[2] = true;
    options->seconds = DEFAULT_SECONDS;
    for (int i = 1; i < argc; ++i) {
        const char* value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--json") == 0) continue; // JSON is the only form of output
        if (strcmp(argv[i], "--stage") == 0) {
            bool both = strcmp(value, "both") == 0;
            options->stages[1] = both || strcmp(value, "1") == 0;
            options->stages[2] = both || strcmp(value, "2") == 0;
            if (!options->stages[1] && !options->stages[2]) return false;
        } else if (strcmp(argv[i], "--seconds") == 0) {
            if (!parse_number(value, 1, MAX_SECONDS, &options->seconds)) return false;
        } else if (strcmp(argv[i], "--memory") == 0) {
            if (!parse_number(value, 0, MAX_MEMORY, &stage_options.memory_percent)) return false;
        } else {
            return false;
        }
        ++i;
    }
    return true;
}

static void say_start(const struct Options* options) {
    event_begin("start");
    event_integer("probe", PROBE_PROTOCOL);
    event_integer("cudart", probe_cudart_version);
    event_integer("cubins", image_cubin_count);
    event_integer("ptxas", image_cuda_version);
    event_integer("seconds", options->seconds);
    event_integer("memory_percent", stage_options.memory_percent);
    event_end();
}

// ---- the child
// -------------------------------------------------------------------------------------------------

static void run_child(int stage, int events, int noise, pid_t parent, int seconds) {
    // Without a supervisor nobody reads the result.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(EXIT_FAILED);
    // A crash is a valid result: it must leave no core file. With a limit of 1 byte Linux also starts no crash
    // reporter.
    const struct rlimit no_core = {1, 1};
    setrlimit(RLIMIT_CORE, &no_core);
    // The driver would cache compiled PTX below ~/.nv; a check must leave no files behind.
    setenv("CUDA_CACHE_DISABLE", "1", 1);
    // The output of libraries must not get between the events, and must not hold the caller's descriptors open.
    int null = open("/dev/null", O_RDONLY);
    dup2(null, 0);
    dup2(noise, 1);
    dup2(noise, 2);
    signal(SIGPIPE, SIG_DFL);
    alarm((unsigned)seconds + 5); // ends this child if the supervisor itself is stopped
    events_to(events);
    bool ok = stage == 1 ? run_driver_stage() : run_runtime_stage();
    progress->finished = true;
    // Not exit(): all results are known, and the destructors of a broken driver may hang or crash.
    _exit(ok ? EXIT_FINE : EXIT_FAILED);
}

// ---- the supervisor
// --------------------------------------------------------------------------------------------

struct Stream {
    int descriptor; // -1 after the end of the stream
    char text[EVENT_LINE_MAX];
    size_t used;
    int lines;
};

static void pass_on(const char* line, size_t size) {
    while (size > 0) {
        ssize_t n = write(1, line, size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) _exit(EXIT_FAILED); // nobody reads our output; PDEATHSIG ends the child
        line += n;
        size -= (size_t)n;
    }
}

static void say_noise(int stage, struct Stream* s, const char* text) {
    if (s->lines++ >= NOISE_LINES) return;
    event_begin("output");
    event_integer("stage", stage);
    event_text("text", text);
    event_end();
}

// Takes complete lines out of a stream. Events are passed on as they are; other output becomes an event.
static void take_lines(int stage, struct Stream* s, bool is_events) {
    char* newline;
    while ((newline = memchr(s->text, '\n', s->used)) != NULL || s->used == sizeof s->text) {
        size_t size = newline != NULL ? (size_t)(newline - s->text) + 1 : s->used;
        if (is_events) {
            pass_on(s->text, size);
        } else {
            char saved = s->text[size - 1];
            s->text[size - 1] = 0;
            if (size > 1) say_noise(stage, s, s->text);
            s->text[size - 1] = saved;
        }
        memmove(s->text, s->text + size, s->used - size);
        s->used -= size;
    }
}

static void read_stream(int stage, struct Stream* s, bool is_events) {
    ssize_t n = read(s->descriptor, s->text + s->used, sizeof s->text - s->used);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n <= 0) {
        close(s->descriptor);
        s->descriptor = -1;
        return;
    }
    s->used += (size_t)n;
    take_lines(stage, s, is_events);
}

// Only for output that is no event: an event ends with a newline, so the rest of an event stream is half a line of a
// dead child and is dropped.
static void finish_noise(int stage, struct Stream* s) {
    if (s->used == 0) return;
    if (s->used == sizeof s->text) --s->used;
    s->text[s->used] = 0;
    say_noise(stage, s, s->text);
    s->used = 0;
}

static bool reaped(pid_t child, int* status) { return waitpid(child, status, WNOHANG) == child; }

// Reads both streams until the child is dead and no data is left, or until the deadline. It does not wait for the ends
// of the streams, because a process that the driver started may have inherited them.
static bool supervise(int stage, pid_t child, struct Stream* events, struct Stream* noise, double deadline,
                      int* status) {
    bool dead = false;
    for (;;) {
        struct pollfd fds[2] = {{events->descriptor, POLLIN, 0}, {noise->descriptor, POLLIN, 0}};
        double left = deadline - now_ms();
        if (!dead && left <= 0) return false;
        // 20 ms: the longest time until a death is noticed when no stream closes.
        int ready = poll(fds, 2, dead ? 0 : left < 20 ? (int)left + 1 : 20);
        if (ready > 0 && fds[0].revents != 0) read_stream(stage, events, true);
        if (ready > 0 && fds[1].revents != 0) read_stream(stage, noise, false);
        if (ready <= 0 && dead) return true;
        if (!dead) dead = reaped(child, status);
    }
}

// SIGKILL does not end a process that waits inside the kernel. After one second the child is left behind.
static bool kill_child(pid_t child) {
    int status;
    kill(child, SIGKILL);
    for (int i = 0; i < 100; ++i) {
        if (reaped(child, &status)) return true;
        usleep(10000);
    }
    return false;
}

static void say_where(int stage) {
    event_integer("stage", stage);
    event_text("during", progress->call);
    if (progress->device >= 0) event_integer("device", progress->device);
}

static const char* signal_name(int number) {
    switch (number) {
    case SIGSEGV:
        return "SIGSEGV";
    case SIGBUS:
        return "SIGBUS";
    case SIGABRT:
        return "SIGABRT";
    case SIGILL:
        return "SIGILL";
    case SIGFPE:
        return "SIGFPE";
    case SIGKILL:
        return "SIGKILL";
    case SIGTERM:
        return "SIGTERM";
    case SIGSYS:
        return "SIGSYS";
    case SIGPIPE:
        return "SIGPIPE";
    case SIGALRM:
        return "SIGALRM";
    default:
        return "signal";
    }
}

static enum Outcome say_timeout(int stage, pid_t child, int seconds) {
    // The name of the last call is read before the child is killed.
    event_begin("timeout");
    say_where(stage);
    event_integer("seconds", seconds);
    event_flag("killed", kill_child(child));
    event_end();
    return TIMED_OUT;
}

static enum Outcome judge(int stage, int status) {
    if (WIFEXITED(status) && progress->finished) return WEXITSTATUS(status) == EXIT_FINE ? PASSED : FAILED;
    event_begin("crash");
    say_where(stage);
    if (WIFSIGNALED(status)) {
        event_integer("signal", WTERMSIG(status));
        event_text("name", signal_name(WTERMSIG(status)));
    } else {
        event_integer("exit_status", WEXITSTATUS(status)); // a library has called exit()
        event_text("name", "EXIT");
    }
    event_end();
    return CRASHED;
}

static void say_cannot(int stage, const char* call) {
    int number = errno;
    event_begin("error");
    event_integer("stage", stage);
    event_text("call", call);
    event_integer("errno", number);
    event_text("name", "SYSTEM");
    event_text("message", strerror(number));
    event_end();
}

static enum Outcome run_stage(int stage, double deadline, int seconds) {
    int events[2], noise[2];
    if (pipe2(events, O_CLOEXEC) != 0 || pipe2(noise, O_CLOEXEC) != 0) {
        say_cannot(stage, "pipe2");
        return FAILED;
    }
    memset(progress, 0, sizeof *progress);
    progress->device = progress->devices = -1;
    pid_t self = getpid();
    pid_t child = fork();
    if (child < 0) {
        say_cannot(stage, "fork");
        return FAILED;
    }
    if (child == 0) {
        close(events[0]);
        close(noise[0]);
        run_child(stage, events[1], noise[1], self, seconds);
    }
    close(events[1]);
    close(noise[1]);
    static struct Stream event_stream, noise_stream;
    event_stream = (struct Stream){.descriptor = events[0]};
    noise_stream = (struct Stream){.descriptor = noise[0]};
    int status = 0;
    bool in_time = supervise(stage, child, &event_stream, &noise_stream, deadline, &status);
    finish_noise(stage, &noise_stream);
    enum Outcome outcome = in_time ? judge(stage, status) : say_timeout(stage, child, seconds);
    if (event_stream.descriptor >= 0) close(event_stream.descriptor);
    if (noise_stream.descriptor >= 0) close(noise_stream.descriptor);
    return outcome;
}

static bool run_stages(const struct Options* options) {
    double deadline = now_ms() + options->seconds * 1e3;
    enum Outcome outcomes[3] = {NOT_ASKED, NOT_ASKED, NOT_ASKED};
    int devices[3] = {-1, -1, -1}, devices_ok[3] = {0, 0, 0};
    bool ok = true;
    for (int stage = 1; stage <= 2; ++stage) {
        if (!options->stages[stage]) continue;
        if (stage == 2 && probe_cudart_version == 0) {
            outcomes[stage] = NOT_AVAILABLE; // reported, but no failure
            continue;
        }
        if (now_ms() >= deadline) { // the first stage has used all of the time
            outcomes[stage] = NOT_RUN;
            ok = false;
            continue;
        }
        outcomes[stage] = run_stage(stage, deadline, options->seconds);
        devices[stage] = progress->devices;
        devices_ok[stage] = progress->devices_ok;
        ok = ok && outcomes[stage] == PASSED;
    }
    event_begin("end");
    event_flag("ok", ok);
    event_text("stage1", outcome_names[outcomes[1]]);
    event_text("stage2", outcome_names[outcomes[2]]);
    for (int stage = 1; stage <= 2; ++stage) {
        if (devices[stage] < 0) continue;
        event_integer(stage == 1 ? "devices" : "runtime_devices", devices[stage]);
        event_integer(stage == 1 ? "devices_ok" : "runtime_devices_ok", devices_ok[stage]);
    }
    event_end();
    return ok;
}

// If a standard descriptor is closed at the start, a pipe of ours would get its number.
static void fill_standard_descriptors(void) {
    int descriptor;
    do descriptor = open("/dev/null", O_RDWR);
    while (descriptor >= 0 && descriptor <= 2);
    if (descriptor > 2) close(descriptor);
}

int main(int argc, char** argv) {
    struct Options options;
    fill_standard_descriptors();
    if (!parse_options(argc, argv, &options)) {
        fprintf(stderr, "usage: cuda_probe [--stage 1|2|both] [--seconds 1...%d] [--memory 0...%d] [--json]\n",
                MAX_SECONDS, MAX_MEMORY);
        return EXIT_USAGE;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); // with an inherited SIG_IGN the child's exit status would be lost
    progress = mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (progress == MAP_FAILED) {
        say_cannot(0, "mmap");
        return EXIT_FAILED;
    }
    say_start(&options);
    return run_stages(&options) ? EXIT_FINE : EXIT_FAILED;
}
