// What a stage is doing, in memory shared with the supervisor: after a crash or a hang the supervisor can say
// inside which call of the driver it happened.
#ifndef TINDERBOX_PROBE_PROGRESS_H
#define TINDERBOX_PROBE_PROGRESS_H

#include <stdbool.h>

struct Progress {
    volatile int device;     // the device being worked on, -1 before and between
    volatile int devices;    // how many devices the stage found, -1 before it knew
    volatile int devices_ok; // how many of them gave every result right
    volatile bool finished;  // the stage came to its end: an exit status without this is some library's exit()
    char call[64];           // the last function of the driver or runtime entered, "" before the first
};

extern struct Progress* progress; // never NULL while a stage runs

void progress_call(const char* name);

// Calls `function` (a name of the driver or the runtime) and leaves its name for the supervisor.
#define TRACED(function, ...) (progress_call(#function), function(__VA_ARGS__))

// The two stages. Each runs in a child process of its own, says what it finds as events, and returns whether
// every device it found passed (and there was at least one).
bool run_driver_stage(void);
bool run_runtime_stage(void);

// How much the stages shall do.
struct StageOptions {
    int memory_percent; // of each device's free memory that is tested, 0 … 95
};
extern struct StageOptions stage_options;

// What stage 2 is built on: CUDART_VERSION such as 12090, 0 when this build has no stage 2.
extern const int probe_cudart_version;

double now_ms(void); // monotonic

#endif
