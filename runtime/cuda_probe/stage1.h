// What the parts of stage 1 share: the driver that is being tested, and how its functions are called.
#ifndef TINDERBOX_PROBE_STAGE1_H
#define TINDERBOX_PROBE_STAGE1_H

#include "driver_api.h"
#include "progress.h"

#include <stdint.h>

extern struct Driver driver;

// Every call goes through one of these: leave its name for the supervisor; CHECKED says an "error", too.
#define CALL(function, ...) (progress_call(#function), driver.function(__VA_ARGS__))
#define CHECKED(device, function, ...) driver_good(device, #function, CALL(function, __VA_ARGS__))
bool driver_good(int device, const char* call, CUresult code);

// A "note": something that could not be done and does not matter.
void driver_note(int device, const char* call, CUresult code, const char* message);

// The kernels of the memory test out of the module that is loaded; false, and an "error", when they are missing.
struct MemoryKernels {
    CUfunction fill, check;
    CUdeviceptr result; // two 64-bit words
};
bool memory_kernels(int device, CUmodule module, struct MemoryKernels* kernels);

// A launch of one of them over a block, in the current context.
bool memory_fill(int device, const struct MemoryKernels* kernels, CUdeviceptr block, uint64_t words, uint64_t first,
                 uint32_t seed, uint32_t invert);
// Adds to wrong[0], and lowers wrong[1] to the number of the first wrong word.
bool memory_check(int device, const struct MemoryKernels* kernels, CUdeviceptr block, uint64_t words, uint64_t first,
                  uint32_t seed, uint32_t invert, uint64_t wrong[2]);

// Both in the device's current context. The module holds the kernels.
bool test_memory(int device, CUmodule module, int percent);
void measure_copies(int device); // figures for the report, never a reason to fail

// Every pair of the devices that have passed. `images[i]` is the form of the kernels that ran on device i, NULL where
// it did not pass.
bool test_peers(int count, const void* const* images);

#endif
