// Shared by stage 2 and its two ways of starting a kernel: stage2_library.c for CUDA 12 and later, stage2_module.c for
// CUDA 11, whose runtime has no functions for code that is not linked in.
#ifndef TINDERBOX_PROBE_STAGE2_H
#define TINDERBOX_PROBE_STAGE2_H

#include "cudart_api.h"
#include "progress.h"
#include "workload.h"

#define CHECKED(device, function, ...) runtime_good(device, #function, TRACED(function, __VA_ARGS__))
bool runtime_good(int device, const char* call, cudaError_t code); // writes an "error" of stage 2 on failure

// Loads the kernels for the current device, whose context must exist.
bool kernels_load(int device);
bool kernels_launch(int device, const struct WorkKernel* kernel, void** arguments);
bool kernels_unload(int device);

#endif
