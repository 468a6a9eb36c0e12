// Stage 2: the static CUDA runtime of the environment's own major. It refuses a driver older than that
// major's floor, which is what the environment's own libraries would do, and runs the same kernels through
// the runtime.
#include "cudart_api.h"
#include "events.h"
#include "images.h"
#include "progress.h"
#include "workload.h"

#include <string.h>

#ifndef TINDERBOX_CUDART_VERSION
#error "build_probe.sh defines TINDERBOX_CUDART_VERSION"
#endif
const int probe_cudart_version = TINDERBOX_CUDART_VERSION;

static struct Work work;

static bool good(int device, const char* call, cudaError_t code) {
    if (code == RUNTIME_SUCCESS) return true;
    event_begin("error");
    event_integer("stage", 2);
    if (device >= 0) event_integer("device", device);
    event_text("call", call);
    event_integer("code", code);
    event_text("name", cudaGetErrorName(code));
    event_text("message", cudaGetErrorString(code));
    event_end();
    return false;
}
#define CHECKED(device, function, ...) good(device, #function, TRACED(function, __VA_ARGS__))

struct Buffers {
    void *x, *y, *out;
};

static bool allocate(int device, struct Buffers* b) {
    size_t bytes = WORK_ELEMENTS * sizeof(float);
    memset(b, 0, sizeof *b);
    return CHECKED(device, cudaMalloc, &b->x, bytes) && CHECKED(device, cudaMalloc, &b->y, bytes) &&
           CHECKED(device, cudaMalloc, &b->out, bytes) &&
           CHECKED(device, cudaMemcpy, b->x, work.x, bytes, MEMCPY_HOST_TO_DEVICE) &&
           CHECKED(device, cudaMemcpy, b->y, work.y, bytes, MEMCPY_HOST_TO_DEVICE);
}

static bool run_kernel(int device, cudaLibrary_t library, struct Buffers* b, int kernel) {
    const struct WorkKernel* k = &work_kernels[kernel];
    size_t bytes = k->outputs * sizeof(uint32_t);
    cudaKernel_t function = NULL;
    if (!CHECKED(device, cudaLibraryGetKernel, &function, library, k->entry)) return false;
    if (!CHECKED(device, cudaMemset, b->out, k->takes_y ? 0xFF : 0, bytes)) return false;

    unsigned n = WORK_ELEMENTS;
    void* with_y[] = {&b->x, &b->y, &b->out, &work.a, &n};
    void* without_y[] = {&b->x, &b->out, &n};
    struct dim3 grid = {WORK_GRID, 1, 1}, block = {WORK_BLOCK, 1, 1};
    double before = now_ms();
    if (!CHECKED(device, cudaLaunchKernel, (const void*)function, grid, block,
                 k->takes_y ? with_y : without_y, 0, NULL)) {
        return false;
    }
    if (!CHECKED(device, cudaDeviceSynchronize)) return false;
    double ms = now_ms() - before;
    memset(work.got, 0xA5, bytes);
    if (!CHECKED(device, cudaMemcpy, work.got, b->out, bytes, MEMCPY_DEVICE_TO_HOST)) return false;
    return work_compare(&work, kernel, 2, device, "ptx", ms);
}

static bool run_device(int device, cudaLibrary_t library) {
    struct Buffers b;
    bool ok = CHECKED(device, cudaSetDevice, device) && allocate(device, &b);
    for (int k = 0; ok && k < WORK_KERNELS; ++k)
        ok = run_kernel(device, library, &b, k);
    if (ok) {
        ok = CHECKED(device, cudaFree, b.out) && CHECKED(device, cudaFree, b.y) &&
             CHECKED(device, cudaFree, b.x);
    }
    event_begin("device_done");
    event_integer("stage", 2);
    event_integer("device", device);
    event_flag("ok", ok);
    event_text("image", ok ? "ptx" : NULL);
    event_end();
    return ok;
}

static bool initialise(int* count) {
    int runtime = 0, driver = 0;
    if (!CHECKED(-1, cudaRuntimeGetVersion, &runtime)) return false;
    bool known = CHECKED(-1, cudaDriverGetVersion, &driver);
    event_begin("runtime");
    event_integer("stage", 2);
    event_integer("runtime_version", runtime);
    event_integer("driver_version", driver); // 0: no driver
    event_end();
    if (!known || !CHECKED(-1, cudaGetDeviceCount, count)) return false;
    progress->devices = *count;
    return *count > 0 || good(-1, "cudaGetDeviceCount", RUNTIME_NO_DEVICE);
}

bool run_runtime_stage(void) {
    int count = 0;
    cudaLibrary_t library = NULL;
    if (!initialise(&count) || !work_prepare(&work, 2)) return false;
    // Loaded once for all devices; the PTX is compiled for each at its first use.
    if (!CHECKED(-1, cudaLibraryLoadData, &library, image_ptx, NULL, NULL, 0, NULL, NULL, 0)) return false;
    for (int i = 0; i < count; ++i) {
        progress->device = i;
        if (run_device(i, library)) progress->devices_ok += 1;
    }
    progress->device = -1;
    return progress->devices_ok == count;
}
