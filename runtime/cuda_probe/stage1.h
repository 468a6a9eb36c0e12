// Shared by the parts of stage 1: the driver under test, and macros to call its functions.
#ifndef TINDERBOX_PROBE_STAGE1_H
#define TINDERBOX_PROBE_STAGE1_H

#include "driver_api.h"
#include "progress.h"

#include <stdint.h>

extern struct Driver driver;

// Every call to the driver goes through one of these. CALL records the name for the supervisor; CHECKED also writes an
// "error" event on failure.
#define CALL(function, ...) (progress_call(#function), driver.function(__VA_ARGS__))
#define CHECKED(device, function, ...) driver_good(device, #function, CALL(function, __VA_ARGS__))
bool driver_good(int device, const char* call, CUresult code);

// Writes a "note" event: an operation failed, and the verdict does not depend on it.
void driver_note(int device, const char* call, CUresult code, const char* message);

// Finds the kernels of the memory test in the loaded module. Writes an "error" and returns false when one is missing.
struct MemoryKernels {
    CUfunction fill, check;
    CUdeviceptr result; // two 64-bit words
};
bool memory_kernels(int device, CUmodule module, struct MemoryKernels* kernels);

// Launches a kernel over a block, in the current context.
bool memory_fill(int device, const struct MemoryKernels* kernels, CUdeviceptr block, uint64_t words, uint64_t first,
                 uint32_t seed, uint32_t invert);
// Adds the number of wrong words to wrong[0]; lowers wrong[1] to the number of the first wrong word.
bool memory_check(int device, const struct MemoryKernels* kernels, CUdeviceptr block, uint64_t words, uint64_t first,
                  uint32_t seed, uint32_t invert, uint64_t wrong[2]);

// Both run in the device's current context. The module holds the kernels.
bool test_memory(int device, CUmodule module, int percent);
void measure_copies(int device); // figures for the report; never a failure

// Tests every pair of the devices that passed. `images[i]` is the form of the kernels that ran on device i; NULL when
// it did not pass.
bool test_peers(int count, const void* const* images);

#endif
