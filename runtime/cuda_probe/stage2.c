// Stage 2: the static CUDA runtime of the environment's CUDA major. It refuses a driver below the floor of that major,
// as the environment's own libraries would. It runs the same kernels through the runtime.
#include "stage2.h"
#include "events.h"

#include <string.h>

#ifndef TINDERBOX_CUDART_VERSION
#error "build_probe.sh defines TINDERBOX_CUDART_VERSION"
#endif
const int probe_cudart_version = TINDERBOX_CUDART_VERSION;

static struct Work work;

bool runtime_good(int device, const char* call, cudaError_t code) {
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

struct Buffers {
    void *x, *y, *out;
};

static bool allocate(int device, struct Buffers* b) {
    size_t bytes = WORK_INPUTS * sizeof(float);
    memset(b, 0, sizeof *b);
    return CHECKED(device, cudaMalloc, &b->x, bytes) && CHECKED(device, cudaMalloc, &b->y, bytes) &&
           CHECKED(device, cudaMalloc, &b->out, WORK_ELEMENTS * sizeof(uint32_t)) &&
           CHECKED(device, cudaMemcpy, b->x, work.x, bytes, MEMCPY_HOST_TO_DEVICE) &&
           CHECKED(device, cudaMemcpy, b->y, work.y, bytes, MEMCPY_HOST_TO_DEVICE);
}

static bool run_kernel(int device, struct Buffers* b, int kernel) {
    const struct WorkKernel* k = &work_kernels[kernel];
    size_t bytes = k->outputs * sizeof(uint32_t);
    // cudaMemset fills bytes; the preset of every kernel is a word of four equal bytes.
    if (!CHECKED(device, cudaMemset, b->out, (int)(k->preset & 0xFF), bytes)) return false;

    struct WorkArguments arguments;
    work_arguments(&work, kernel, (uint64_t)(uintptr_t)b->x, (uint64_t)(uintptr_t)b->y, (uint64_t)(uintptr_t)b->out,
                   &arguments);
    double before = now_ms();
    if (!kernels_launch(device, k, arguments.pointers)) return false;
    if (!CHECKED(device, cudaDeviceSynchronize)) return false;
    double ms = now_ms() - before;
    memset(work.got, 0xA5, bytes);
    if (!CHECKED(device, cudaMemcpy, work.got, b->out, bytes, MEMCPY_DEVICE_TO_HOST)) return false;
    return work_compare(&work, kernel, 2, device, "ptx", ms);
}

static bool run_device(int device) {
    struct Buffers b;
    bool ok = CHECKED(device, cudaSetDevice, device) && allocate(device, &b) && kernels_load(device);
    for (int k = 0; ok && k < WORK_KERNELS; ++k) ok = run_kernel(device, &b, k);
    if (ok) {
        ok = kernels_unload(device) && CHECKED(device, cudaFree, b.out) && CHECKED(device, cudaFree, b.y) &&
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
    // Without a driver the runtime of CUDA 11 fails even here.
    if (TRACED(cudaRuntimeGetVersion, &runtime) != RUNTIME_SUCCESS) runtime = probe_cudart_version;
    bool known = CHECKED(-1, cudaDriverGetVersion, &driver);
    event_begin("runtime");
    event_integer("stage", 2);
    event_integer("runtime_version", runtime);
    event_integer("driver_version", driver); // 0: no driver
    event_end();
    if (!known || !CHECKED(-1, cudaGetDeviceCount, count)) return false;
    progress->devices = *count;
    return *count > 0 || runtime_good(-1, "cudaGetDeviceCount", RUNTIME_NO_DEVICE);
}

bool run_runtime_stage(void) {
    int count = 0;
    if (!initialise(&count) || !work_prepare(&work, 2)) return false;
    for (int i = 0; i < count; ++i) {
        progress->device = i;
        if (run_device(i)) progress->devices_ok += 1;
    }
    progress->device = -1;
    return progress->devices_ok == count;
}
