// Stage 1: the driver API. Opens libcuda.so.1, lists the devices, and on each of them loads the kernels
// (machine code where this build has some for it, and the PTX text), runs them, compares every bit, and
// measures copies.
//
// Both forms of the kernels are tried because they fail apart: frameworks ship machine code, so a driver
// without its PTX compiler (a container without libnvidia-ptxjitcompiler) still runs them, and a GPU newer
// than this program has only the PTX to run. A device is good when at least one form loads and no result is
// wrong.
#include "driver_api.h"
#include "events.h"
#include "images.h"
#include "progress.h"
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct Driver driver;
static struct Work work;

// The calls below go through these two: leave the name for the supervisor, report what went wrong.
#define CALL(function, ...) (progress_call(#function), driver.function(__VA_ARGS__))

static bool good(int device, const char* call, CUresult code) {
    if (code != DRIVER_SUCCESS) driver_error(&driver, device, call, code);
    return code == DRIVER_SUCCESS;
}
#define CHECKED(device, function, ...) good(device, #function, CALL(function, __VA_ARGS__))

struct Device {
    int index;
    CUdevice handle;
    int major, minor;
};

static int attribute(const struct Device* d, int which) {
    int value = -1;
    if (CALL(cuDeviceGetAttribute, &value, which, d->handle) != DRIVER_SUCCESS) return -1;
    return value;
}

static void say_uuid(const struct Device* d, bool mig) {
    CUuuid uuid;
    if (driver.cuDeviceGetUuid == NULL || CALL(cuDeviceGetUuid, &uuid, d->handle) != DRIVER_SUCCESS) return;
    char text[48];
    size_t n = (size_t)snprintf(text, sizeof text, "%s", mig ? "MIG-" : "GPU-");
    for (int i = 0; i < 16; ++i) {
        const char* dash = i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "";
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%02x", dash, uuid.bytes[i]);
    }
    event_text("uuid", text);
}

static bool describe(struct Device* d) {
    char name[256] = "", bus[32] = "", capability[32];
    size_t memory = 0;
    if (!CHECKED(d->index, cuDeviceGet, &d->handle, d->index)) return false;
    if (!CHECKED(d->index, cuDeviceGetName, name, (int)sizeof name, d->handle)) return false;
    if (!CHECKED(d->index, cuDeviceGetAttribute, &d->major, ATTRIBUTE_MAJOR, d->handle)) return false;
    if (!CHECKED(d->index, cuDeviceGetAttribute, &d->minor, ATTRIBUTE_MINOR, d->handle)) return false;
    if (!CHECKED(d->index, cuDeviceTotalMem, &memory, d->handle)) return false;
    name[sizeof name - 1] = 0;
    snprintf(capability, sizeof capability, "%d.%d", d->major, d->minor);
    // The driver shows a MIG instance as a device and names its profile: "NVIDIA A100-SXM4-40GB MIG 1g.5gb".
    bool mig = strstr(name, " MIG ") != NULL;

    event_begin("device");
    event_integer("stage", 1);
    event_integer("device", d->index);
    event_text("name", name);
    say_uuid(d, mig);
    if (driver.cuDeviceGetPCIBusId != NULL &&
        CALL(cuDeviceGetPCIBusId, bus, (int)sizeof bus, d->handle) == DRIVER_SUCCESS) {
        event_text("pci", bus);
    }
    event_text("compute_capability", capability);
    event_integer("memory_bytes", (long long)memory);
    event_integer("multiprocessors", attribute(d, ATTRIBUTE_MULTIPROCESSORS));
    event_flag("mig", mig);
    // 0 everyone, 2 nobody ("prohibited"), 3 one process at a time
    event_integer("compute_mode", attribute(d, ATTRIBUTE_COMPUTE_MODE));
    event_flag("ecc", attribute(d, ATTRIBUTE_ECC) == 1);
    event_end();
    return true;
}

// Says an "image" event. What a driver answers to one form of the kernels is no error as long as another
// works.
static CUresult load_image(int device, const char* image, const void* bytes, CUmodule* module) {
    static char log[1024];
    int options[] = {JIT_ERROR_LOG, JIT_ERROR_LOG_SIZE};
    void* values[] = {log, (void*)(size_t)(sizeof log - 1)};
    memset(log, 0, sizeof log);
    double before = now_ms();
    CUresult code = CALL(cuModuleLoadDataEx, module, bytes, 2, options, values);
    event_begin("image");
    event_integer("stage", 1);
    event_integer("device", device);
    event_text("image", image);
    event_flag("ok", code == DRIVER_SUCCESS);
    event_decimal("ms", now_ms() - before);
    if (code != DRIVER_SUCCESS) {
        event_integer("code", code);
        event_text("name", driver_error_name(&driver, code));
        event_text("message", driver_error_text(&driver, code));
        if (log[0] != 0) event_text("log", log);
    }
    event_end();
    return code;
}

struct Buffers {
    CUdeviceptr x, y, out;
};

static bool allocate(int device, struct Buffers* b) {
    size_t bytes = WORK_ELEMENTS * sizeof(float);
    memset(b, 0, sizeof *b);
    return CHECKED(device, cuMemAlloc, &b->x, bytes) && CHECKED(device, cuMemAlloc, &b->y, bytes) &&
           CHECKED(device, cuMemAlloc, &b->out, bytes) &&
           CHECKED(device, cuMemcpyHtoD, b->x, work.x, bytes) &&
           CHECKED(device, cuMemcpyHtoD, b->y, work.y, bytes);
}

static bool run_kernel(int device, const char* image, CUmodule module, struct Buffers* b, int kernel) {
    const struct WorkKernel* k = &work_kernels[kernel];
    CUfunction function = NULL;
    if (!CHECKED(device, cuModuleGetFunction, &function, module, k->entry)) return false;
    // tb_reduce adds to what is there; the others must overwrite every word, and NaN bits are no right
    // answer.
    if (!CHECKED(device, cuMemsetD32, b->out, k->takes_y ? 0xFFFFFFFFU : 0, k->outputs)) return false;

    unsigned n = WORK_ELEMENTS;
    void* with_y[] = {&b->x, &b->y, &b->out, &work.a, &n};
    void* without_y[] = {&b->x, &b->out, &n};
    double before = now_ms();
    if (!CHECKED(device, cuLaunchKernel, function, WORK_GRID, 1, 1, WORK_BLOCK, 1, 1, 0, NULL,
                 k->takes_y ? with_y : without_y, NULL)) {
        return false;
    }
    if (!CHECKED(device, cuCtxSynchronize)) return false; // an error inside the kernel arrives here
    double ms = now_ms() - before;
    memset(work.got, 0xA5, k->outputs * sizeof(uint32_t)); // a copy that does nothing must not pass
    if (!CHECKED(device, cuMemcpyDtoH, work.got, b->out, k->outputs * sizeof(uint32_t))) return false;
    return work_compare(&work, kernel, 1, device, image, ms);
}

static bool run_image(int device, const char* image, CUmodule module, struct Buffers* b) {
    bool ok = true;
    for (int k = 0; k < WORK_KERNELS; ++k)
        ok = run_kernel(device, image, module, b, k) && ok;
    return CHECKED(device, cuModuleUnload, module) && ok;
}

// The kernels in each form this device may take. `used` is the first that loaded.
static bool run_images(const struct Device* d, struct Buffers* b, const char** used) {
    static char cubin_name[16];
    CUmodule module;
    bool ok = true;
    const struct Cubin* cubin = image_for(d->major, d->minor);
    // Machine code from the toolkit of a newer CUDA major is not promised to load, so it is not held against
    // the driver that it does not.
    if (cubin != NULL && driver.version / 1000 >= image_cuda_version / 1000) {
        snprintf(cubin_name, sizeof cubin_name, "sm_%d", cubin->architecture);
        if (load_image(d->index, cubin_name, cubin->bytes, &module) == DRIVER_SUCCESS) {
            *used = cubin_name;
            ok = run_image(d->index, cubin_name, module, b) && ok;
        }
    }
    CUresult code = load_image(d->index, "ptx", image_ptx, &module);
    if (code == DRIVER_SUCCESS) {
        if (*used == NULL) *used = "ptx";
        ok = run_image(d->index, "ptx", module, b) && ok;
    }
    if (*used == NULL) driver_error(&driver, d->index, "cuModuleLoadDataEx", code);
    return *used != NULL && ok;
}

// ---- bandwidth: figures for the report, never a reason to fail
// -------------------------------------------------

enum { COPY_MAX = 64 << 20, COPY_MIN = 1 << 20, COPY_ROUNDS = 16 };
static const double copy_budget_ms = 120; // for each of three directions

struct Copy {
    const char* direction;
    CUdeviceptr to, from;
    void* host;
};

static CUresult copy_once(const struct Copy* c, size_t bytes) {
    if (c->to == 0) return CALL(cuMemcpyDtoH, c->host, c->from, bytes);
    if (c->from == 0) return CALL(cuMemcpyHtoD, c->to, c->host, bytes);
    CUresult code = CALL(cuMemcpyDtoD, c->to, c->from, bytes);
    return code != DRIVER_SUCCESS ? code : CALL(cuCtxSynchronize);
}

static bool measure(int device, const struct Copy* c, size_t bytes, bool pinned) {
    CUresult code = copy_once(c, bytes); // the first touches pages and wakes the link up
    double before = now_ms(), spent = 0;
    int rounds = 0;
    while (code == DRIVER_SUCCESS && rounds < COPY_ROUNDS && spent < copy_budget_ms) {
        code = copy_once(c, bytes);
        spent = now_ms() - before;
        ++rounds;
    }
    if (code != DRIVER_SUCCESS) {
        event_begin("note");
        event_integer("stage", 1);
        event_integer("device", device);
        event_text("call", c->direction);
        event_integer("code", code);
        event_text("name", driver_error_name(&driver, code));
        event_text("message", "the bandwidth could not be measured");
        event_end();
        return false;
    }
    event_begin("bandwidth");
    event_integer("stage", 1);
    event_integer("device", device);
    event_text("direction", c->direction);
    event_integer("bytes", (long long)bytes);
    event_integer("rounds", rounds);
    event_decimal("ms", spent);
    event_decimal("gb_per_s", spent > 0 ? (double)bytes * rounds / spent / 1e6 : 0);
    if (c->host != NULL) event_flag("pinned", pinned);
    event_end();
    return true;
}

static void* host_memory(size_t bytes, bool* pinned) {
    void* memory = NULL;
    *pinned = driver.cuMemAllocHost != NULL && CALL(cuMemAllocHost, &memory, bytes) == DRIVER_SUCCESS;
    if (!*pinned) memory = malloc(bytes); // slower copies, said in the event
    if (memory != NULL) memset(memory, 0x5A, bytes);
    return memory;
}

static void measure_copies(int device) {
    CUdeviceptr a = 0, b = 0;
    size_t bytes = COPY_MAX;
    // Somebody else's job may hold nearly all of the memory: measure with less.
    for (; bytes >= COPY_MIN; bytes /= 2) {
        if (CALL(cuMemAlloc, &a, bytes) == DRIVER_SUCCESS) {
            if (CALL(cuMemAlloc, &b, bytes) == DRIVER_SUCCESS) break;
            CALL(cuMemFree, a);
        }
        a = b = 0;
    }
    if (a == 0) return;
    bool pinned = false;
    void* host = host_memory(bytes, &pinned);
    if (host != NULL) {
        const struct Copy copies[] = {
            {"host_to_device", a, 0, host}, {"device_to_host", 0, a, host}, {"device_to_device", b, a, NULL}};
        bool ok = true;
        for (int i = 0; i < 3 && ok; ++i)
            ok = measure(device, &copies[i], bytes, pinned);
        if (pinned && driver.cuMemFreeHost != NULL) CALL(cuMemFreeHost, host);
        if (!pinned) free(host);
    }
    CALL(cuMemFree, b);
    CALL(cuMemFree, a);
}

// ----------------------------------------------------------------------------------------------------------------

static void say_free_memory(int device) {
    size_t available = 0, total = 0;
    if (driver.cuMemGetInfo == NULL || CALL(cuMemGetInfo, &available, &total) != DRIVER_SUCCESS) return;
    event_begin("memory");
    event_integer("stage", 1);
    event_integer("device", device);
    event_integer("free_bytes", (long long)available);
    event_integer("total_bytes", (long long)total);
    event_end();
}

static bool run_in_context(const struct Device* d, const char** used) {
    struct Buffers b;
    say_free_memory(d->index);
    bool ok = allocate(d->index, &b) && run_images(d, &b, used);
    // After a fault inside a kernel every call on this context fails alike; one error is enough.
    if (ok) measure_copies(d->index);
    if (b.out != 0) CALL(cuMemFree, b.out);
    if (b.y != 0) CALL(cuMemFree, b.y);
    if (b.x != 0) CALL(cuMemFree, b.x);
    return ok;
}

static bool run_device(int index) {
    struct Device d = {.index = index};
    const char* used = NULL;
    bool ok = describe(&d);
    if (ok) {
        // The primary context is the one the runtime and every framework share: what is tested is what they
        // get.
        CUcontext context = NULL;
        ok = CHECKED(index, cuDevicePrimaryCtxRetain, &context, d.handle);
        if (ok) {
            ok = CHECKED(index, cuCtxSetCurrent, context) && run_in_context(&d, &used);
            CALL(cuCtxSetCurrent, NULL);
            CALL(cuDevicePrimaryCtxRelease, d.handle);
        }
    }
    event_begin("device_done");
    event_integer("stage", 1);
    event_integer("device", index);
    event_flag("ok", ok);
    event_text("image", used);
    event_end();
    return ok;
}

static bool initialise(int* count) {
    // Before cuInit, and in the stub and without a kernel module too: the number the libraries were made for.
    if (CALL(cuDriverGetVersion, &driver.version) == DRIVER_SUCCESS) {
        event_begin("driver");
        event_integer("stage", 1);
        event_integer("api_version", driver.version);
        event_end();
    }
    if (!CHECKED(-1, cuInit, 0) || !CHECKED(-1, cuDeviceGetCount, count)) return false;
    progress->devices = *count;
    if (*count > 0) return true;
    event_begin("error");
    event_integer("stage", 1);
    event_text("call", "cuDeviceGetCount");
    event_integer("code", 100);
    event_text("name", "CUDA_ERROR_NO_DEVICE");
    event_text("message", "the driver works and lists no device");
    event_end();
    return false;
}

bool run_driver_stage(void) {
    int count = 0;
    if (!driver_open(&driver, 1) || !initialise(&count) || !work_prepare(&work, 1)) return false;
    for (int i = 0; i < count; ++i) {
        progress->device = i;
        if (run_device(i)) progress->devices_ok += 1;
    }
    progress->device = -1;
    return progress->devices_ok == count;
}
