// The arithmetic the GPU must reproduce bit for bit: inputs, launch shapes and expected results of the
// kernels in kernels.ptx. Used by both stages; the fake driver of the tests has its own, independent
// implementation.
#ifndef TINDERBOX_PROBE_WORKLOAD_H
#define TINDERBOX_PROBE_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WORK_ELEMENTS =
        1000003,      // a prime: the last block is only partly filled, so the bounds check is exercised
    WORK_BLOCK = 256, // threads a block; tb_reduce depends on this number
    WORK_GRID = (WORK_ELEMENTS + WORK_BLOCK - 1) / WORK_BLOCK,
    WORK_BINS = 256,
    WORK_KERNELS = 3,
};

struct WorkKernel {
    const char* name;  // for people: "saxpy"
    const char* entry; // in kernels.ptx: "tb_saxpy"
    size_t outputs;    // 32-bit words the kernel writes
    bool takes_y;      // parameters (x, y, out, a, n); otherwise (x, out, n)
};

extern const struct WorkKernel work_kernels[WORK_KERNELS];

struct Work {
    float a;
    float* x;                       // WORK_ELEMENTS
    float* y;                       // WORK_ELEMENTS
    uint32_t* wanted[WORK_KERNELS]; // the right output, as bits
    uint32_t* got;                  // room for the largest output
};

// False, and an "error" event, when memory ran out. What is allocated lives until the process ends.
bool work_prepare(struct Work* work, int stage);

// Compares work->got with what the kernel must give; says it as a "kernel" event with the given members.
bool work_compare(const struct Work* work, int kernel, int stage, int device, const char* image, double ms);

#endif
