// Stage 1, the memory test. The GPU writes two patterns over a share of the device's free memory and checks every word.
// The CPU checks the ends of every block, so that a wrong pattern cannot pass.
#include "events.h"
#include "stage1.h"
#include "workload.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCKS_MAX = 1024,
    BLOCK_BYTES = 256 << 20, // several allocations: other programs' memory may lie in between
    BLOCK_LEAST = 1 << 20,
    SAMPLE_WORDS = 4096,
    GRID = 1024, // blocks of threads; a thread takes every 262144th word
    SEED = 0x7F4A7C15,
};

bool memory_kernels(int device, CUmodule module, struct MemoryKernels* kernels) {
    memset(kernels, 0, sizeof *kernels);
    return CHECKED(device, cuModuleGetFunction, &kernels->fill, module, "tb_fill") &&
           CHECKED(device, cuModuleGetFunction, &kernels->check, module, "tb_check") &&
           CHECKED(device, cuMemAlloc, &kernels->result, 2 * sizeof(uint64_t));
}

bool memory_fill(int device, const struct MemoryKernels* kernels, CUdeviceptr block, uint64_t words, uint64_t first,
                 uint32_t seed, uint32_t invert) {
    void* arguments[] = {&block, &words, &first, &seed, &invert};
    return CHECKED(device, cuLaunchKernel, kernels->fill, GRID, 1, 1, WORK_BLOCK, 1, 1, 0, NULL, arguments, NULL);
}

bool memory_check(int device, const struct MemoryKernels* kernels, CUdeviceptr block, uint64_t words, uint64_t first,
                  uint32_t seed, uint32_t invert, uint64_t wrong[2]) {
    CUdeviceptr result = kernels->result;
    void* arguments[] = {&block, &words, &first, &seed, &invert, &result};
    const uint64_t none[2] = {0, UINT64_MAX};
    // Preset, so that a check that did not run is not taken for one without errors.
    uint64_t found[2] = {UINT64_MAX, 0};
    bool ok = CHECKED(device, cuMemcpyHtoD, result, none, sizeof none) &&
              CHECKED(device, cuLaunchKernel, kernels->check, GRID, 1, 1, WORK_BLOCK, 1, 1, 0, NULL, arguments, NULL) &&
              CHECKED(device, cuCtxSynchronize) && CHECKED(device, cuMemcpyDtoH, found, result, sizeof found);
    if (!ok) return false;
    wrong[0] += found[0];
    if (found[0] != 0 && found[1] < wrong[1]) wrong[1] = found[1];
    return true;
}

struct Blocks {
    int count;
    CUdeviceptr at[BLOCKS_MAX];
    uint64_t words[BLOCKS_MAX];
    uint64_t total; // words
};

// Allocates up to `bytes`, in blocks. Getting less is no failure, because other programs take memory at the same time.
static void take_blocks(uint64_t bytes, struct Blocks* blocks) {
    uint64_t size = BLOCK_BYTES;
    while (blocks->count < BLOCKS_MAX && blocks->total * 4 + BLOCK_LEAST <= bytes) {
        uint64_t left = bytes - blocks->total * 4;
        if (size > left) size = left & ~(uint64_t)(BLOCK_LEAST - 1);
        CUdeviceptr* at = &blocks->at[blocks->count];
        if (CALL(cuMemAlloc, at, size) != DRIVER_SUCCESS) {
            size = size / 2 & ~(uint64_t)(BLOCK_LEAST - 1);
            if (size == 0) break;
            continue;
        }
        blocks->words[blocks->count++] = size / 4;
        blocks->total += size / 4;
    }
}

// Reads both ends of a block back and compares them on the CPU.
static bool compare_ends(int device, const struct Blocks* blocks, int block, uint64_t first, uint32_t invert,
                         uint64_t wrong[2]) {
    static uint32_t sample[SAMPLE_WORDS];
    uint64_t words = blocks->words[block];
    for (int end = 0; end < 2; ++end) {
        uint64_t from = end == 0 ? 0 : words - SAMPLE_WORDS;
        memset(sample, 0xA5, sizeof sample);
        if (!CHECKED(device, cuMemcpyDtoH, sample, blocks->at[block] + from * 4, sizeof sample)) return false;
        for (uint64_t i = 0; i < SAMPLE_WORDS; ++i) {
            if (sample[i] == memory_word(first + from + i, SEED, invert)) continue;
            wrong[0] += 1;
            if (first + from + i < wrong[1]) wrong[1] = first + from + i;
        }
    }
    return true;
}

// All blocks are written before the first is read, so that a write into a wrong block shows.
static bool run_pattern(int device, const struct MemoryKernels* kernels, const struct Blocks* blocks, uint32_t invert,
                        uint64_t wrong[2]) {
    uint64_t first = 0;
    for (int i = 0; i < blocks->count; first += blocks->words[i++]) {
        if (!memory_fill(device, kernels, blocks->at[i], blocks->words[i], first, SEED, invert)) return false;
    }
    first = 0;
    for (int i = 0; i < blocks->count; first += blocks->words[i++]) {
        if (!memory_check(device, kernels, blocks->at[i], blocks->words[i], first, SEED, invert, wrong) ||
            !compare_ends(device, blocks, i, first, invert, wrong)) {
            return false;
        }
    }
    return true;
}

static void say_result(int device, int percent, const struct Blocks* blocks, double ms, const uint64_t wrong[2]) {
    event_begin("memory_test");
    event_integer("stage", 1);
    event_integer("device", device);
    event_flag("ok", wrong[0] == 0);
    event_integer("percent", percent);
    event_integer("bytes", (long long)(blocks->total * 4));
    event_integer("patterns", MEMORY_PATTERNS);
    event_decimal("ms", ms);
    event_integer("wrong", (long long)wrong[0]);
    if (wrong[0] != 0) event_integer("first_wrong", (long long)wrong[1]);
    event_end();
}

bool test_memory(int device, CUmodule module, int percent) {
    if (percent == 0) return true;
    size_t available = 0, total = 0;
    if (driver.cuMemGetInfo == NULL || CALL(cuMemGetInfo, &available, &total) != DRIVER_SUCCESS) {
        driver_note(device, "cuMemGetInfo", 801, "the driver does not say how much memory is free: it was not tested");
        return true;
    }
    struct MemoryKernels kernels;
    static struct Blocks blocks;
    memset(&blocks, 0, sizeof blocks);
    uint64_t wrong[2] = {0, UINT64_MAX};
    bool ok = memory_kernels(device, module, &kernels);
    if (ok) take_blocks(available / 100 * (uint64_t)percent, &blocks);
    double before = now_ms();
    for (int p = 0; ok && p < MEMORY_PATTERNS; ++p)
        ok = run_pattern(device, &kernels, &blocks, memory_inverts[p], wrong);
    if (ok && blocks.count > 0) say_result(device, percent, &blocks, now_ms() - before, wrong);
    if (ok && blocks.count == 0)
        driver_note(device, "cuMemAlloc", DRIVER_OUT_OF_MEMORY, "no memory was free to be tested");
    for (int i = 0; i < blocks.count; ++i) CALL(cuMemFree, blocks.at[i]);
    if (kernels.result != 0) CALL(cuMemFree, kernels.result);
    return ok && wrong[0] == 0;
}
