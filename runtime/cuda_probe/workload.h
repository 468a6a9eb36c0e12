// The arithmetic that the GPU must reproduce bit for bit: inputs, launch shapes and expected results of the kernels in
// kernels.ptx. Both stages use it. The fake driver of the tests has its own implementation.
#ifndef TINDERBOX_PROBE_WORKLOAD_H
#define TINDERBOX_PROBE_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WORK_ELEMENTS = 1000003, // a prime: the last block is only partly filled, so the bounds check is used
    WORK_BLOCK = 256,        // threads a block; tb_reduce depends on this number
    WORK_GRID = (WORK_ELEMENTS + WORK_BLOCK - 1) / WORK_BLOCK,
    WORK_BINS = 256,
    WORK_TILE = 16, // tb_matmul depends on it
    // Three different numbers, no multiples of the tile: errors at edges and transpositions show.
    WORK_ROWS = 193,
    WORK_COLS = 161,
    WORK_INNER = 129,
    WORK_INPUTS = WORK_ELEMENTS + WORK_ROWS * WORK_INNER, // floats in x and in y; the matrices follow the vectors
    WORK_KERNELS = 4,
};
_Static_assert(WORK_COLS <= WORK_ROWS, "the second matrix fits behind y");

struct WorkKernel {
    const char* name;  // for people: "saxpy"
    const char* entry; // in kernels.ptx: "tb_saxpy"
    size_t outputs;    // 32-bit words the kernel writes
    uint32_t preset;   // every output word before the launch
    unsigned grid[2], block[2];
};

extern const struct WorkKernel work_kernels[WORK_KERNELS];

struct Work {
    float a;
    float* x;                       // WORK_INPUTS
    float* y;                       // WORK_INPUTS
    uint32_t* wanted[WORK_KERNELS]; // the right output, as bits
    uint32_t* got;                  // room for the largest output
};

// Returns false and writes an "error" event when memory is short. The memory stays allocated until the process ends.
bool work_prepare(struct Work* work, int stage);

// The parameters of one launch, with the device addresses of x, y and the output. `pointers` is the argument of
// cuLaunchKernel and cudaLaunchKernel; it points into this struct.
struct WorkArguments {
    uint64_t x, y, out;
    float a;
    unsigned n, rows, cols, inner;
    void* pointers[6];
};
void work_arguments(const struct Work* work, int kernel, uint64_t x, uint64_t y, uint64_t out,
                    struct WorkArguments* arguments);

// Compares work->got with the expected output, and writes a "kernel" event with the given members.
bool work_compare(const struct Work* work, int kernel, int stage, int device, const char* image, double ms);

// ---- the memory test (tb_fill, tb_check)

enum { MEMORY_PATTERNS = 2 };
extern const uint32_t memory_inverts[MEMORY_PATTERNS]; // with both patterns every bit is once 0 and once 1

// The value that tb_fill writes into the word of this number.
uint32_t memory_word(uint64_t number, uint32_t seed, uint32_t invert);

#endif
