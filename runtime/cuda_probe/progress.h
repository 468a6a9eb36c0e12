// The progress of a stage, in memory shared with the supervisor. After a crash or a hang the supervisor reads which
// call of the driver was running.
#ifndef TINDERBOX_PROBE_PROGRESS_H
#define TINDERBOX_PROBE_PROGRESS_H

#include <stdbool.h>

struct Progress {
    volatile int device;     // the device being worked on; -1 before the first and between two
    volatile int devices;    // the number of devices found; -1 before the stage knows it
    volatile int devices_ok; // the number of devices whose results were all right
    volatile bool finished;  // the stage reached its end; without it an exit status means that a library called exit()
    char call[64];           // the last function of the driver or runtime that was called; "" before the first
};

extern struct Progress* progress; // never NULL while a stage runs

void progress_call(const char* name);

// Records the name of `function` (of the driver or the runtime) for the supervisor, then calls it.
#define TRACED(function, ...) (progress_call(#function), function(__VA_ARGS__))

// The two stages. Each runs in a child process of its own and writes its findings as events. It returns whether it
// found a device and every device passed.
bool run_driver_stage(void);
bool run_runtime_stage(void);

// Options of the stages.
struct StageOptions {
    int memory_percent; // percent of each device's free memory to test, 0 … 95
};
extern struct StageOptions stage_options;

// CUDART_VERSION of the linked runtime, such as 12090; 0 when this build has no stage 2.
extern const int probe_cudart_version;

double now_ms(void); // monotonic

#endif
