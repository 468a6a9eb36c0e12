// Stage 1: the driver API. Opens libcuda.so.1 and lists the devices. On each device it loads the kernels, runs them,
// compares every bit, tests a share of the memory and measures copies. Then it tests the devices in pairs.
//
// The kernels have two forms: machine code, where this build has it for the device, and PTX text. Both are tried
// because each can fail alone. Frameworks ship machine code, so a driver without its PTX compiler (a container without
// libnvidia-ptxjitcompiler) still runs them. A GPU newer than this program runs only the PTX. A device passes when at
// least one form loads and no result is wrong.
#include "stage1.h"
#include "events.h"
#include "images.h"
#include "workload.h"

#include <stdio.h>
#include <string.h>

struct Driver driver;
static struct Work work;

enum { MAX_DEVICES = 64 };

bool driver_good(int device, const char* call, CUresult code) {
    if (code != DRIVER_SUCCESS) driver_error(&driver, device, call, code);
    return code == DRIVER_SUCCESS;
}

void driver_note(int device, const char* call, CUresult code, const char* message) {
    event_begin("note");
    event_integer("stage", 1);
    event_integer("device", device);
    event_text("call", call);
    event_integer("code", code);
    event_text("name", driver_error_name(&driver, code));
    event_text("message", message);
    event_end();
}

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
    // 0: every process; 2: no process ("prohibited"); 3: one process at a time
    event_integer("compute_mode", attribute(d, ATTRIBUTE_COMPUTE_MODE));
    event_flag("ecc", attribute(d, ATTRIBUTE_ECC) == 1);
    event_end();
    return true;
}

// Writes an "image" event. A form that does not load is no error as long as the other form works.
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
    size_t bytes = WORK_INPUTS * sizeof(float);
    memset(b, 0, sizeof *b);
    return CHECKED(device, cuMemAlloc, &b->x, bytes) && CHECKED(device, cuMemAlloc, &b->y, bytes) &&
           CHECKED(device, cuMemAlloc, &b->out, WORK_ELEMENTS * sizeof(uint32_t)) &&
           CHECKED(device, cuMemcpyHtoD, b->x, work.x, bytes) && CHECKED(device, cuMemcpyHtoD, b->y, work.y, bytes);
}

static bool run_kernel(int device, const char* image, CUmodule module, struct Buffers* b, int kernel) {
    const struct WorkKernel* k = &work_kernels[kernel];
    CUfunction function = NULL;
    if (!CHECKED(device, cuModuleGetFunction, &function, module, k->entry)) return false;
    if (!CHECKED(device, cuMemsetD32, b->out, k->preset, k->outputs)) return false;

    struct WorkArguments arguments;
    work_arguments(&work, kernel, b->x, b->y, b->out, &arguments);
    double before = now_ms();
    if (!CHECKED(device, cuLaunchKernel, function, k->grid[0], k->grid[1], 1, k->block[0], k->block[1], 1, 0, NULL,
                 arguments.pointers, NULL)) {
        return false;
    }
    if (!CHECKED(device, cuCtxSynchronize)) return false; // an error inside the kernel shows here
    double ms = now_ms() - before;
    memset(work.got, 0xA5, k->outputs * sizeof(uint32_t)); // so that a copy without effect cannot pass
    if (!CHECKED(device, cuMemcpyDtoH, work.got, b->out, k->outputs * sizeof(uint32_t))) return false;
    return work_compare(&work, kernel, 1, device, image, ms);
}

static bool run_image(int device, const char* image, CUmodule module, struct Buffers* b) {
    bool ok = true;
    for (int k = 0; k < WORK_KERNELS; ++k) ok = run_kernel(device, image, module, b, k) && ok;
    return ok;
}

// The first form of the kernels that loaded. Tests that need only one form use it.
struct Used {
    const char* name; // "sm_90", "ptx", NULL = none loaded
    const void* bytes;
    CUmodule module;
};

// Loads one form and runs the kernels. The first form that loads stays loaded.
static bool try_image(int device, const char* name, const void* bytes, struct Buffers* b, struct Used* used,
                      CUresult* code) {
    CUmodule module;
    *code = load_image(device, name, bytes, &module);
    if (*code != DRIVER_SUCCESS) return true;
    bool ok = run_image(device, name, module, b);
    if (used->name == NULL) {
        *used = (struct Used){name, bytes, module};
        return ok;
    }
    return CHECKED(device, cuModuleUnload, module) && ok;
}

// Runs the kernels in each form that this device may load.
static bool run_images(const struct Device* d, struct Buffers* b, struct Used* used) {
    static char cubin_name[16];
    CUresult code = DRIVER_SUCCESS;
    bool ok = true;
    const struct Cubin* cubin = image_for(d->major, d->minor);
    // A driver need not load machine code from the toolkit of a newer CUDA major, so that code is not tried.
    if (cubin != NULL && driver.version / 1000 >= cubin->cuda_version / 1000) {
        snprintf(cubin_name, sizeof cubin_name, "sm_%d", cubin->architecture);
        ok = try_image(d->index, cubin_name, cubin->bytes, b, used, &code);
    }
    ok = try_image(d->index, "ptx", image_ptx, b, used, &code) && ok;
    if (used->name == NULL) driver_error(&driver, d->index, "cuModuleLoadDataEx", code);
    return used->name != NULL && ok;
}

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

static void free_buffers(const struct Buffers* b) {
    if (b->out != 0) CALL(cuMemFree, b->out);
    if (b->y != 0) CALL(cuMemFree, b->y);
    if (b->x != 0) CALL(cuMemFree, b->x);
}

static bool run_in_context(const struct Device* d, struct Used* used) {
    struct Buffers b;
    say_free_memory(d->index);
    bool ok = allocate(d->index, &b) && run_images(d, &b, used);
    free_buffers(&b);
    // After a fault inside a kernel every call on this context fails, so the rest is left out.
    if (ok) ok = test_memory(d->index, used->module, stage_options.memory_percent);
    if (ok) measure_copies(d->index);
    if (used->name != NULL) CALL(cuModuleUnload, used->module);
    return ok;
}

static bool run_device(int index, struct Used* used) {
    struct Device d = {.index = index};
    bool ok = describe(&d);
    if (ok) {
        // The runtime and every framework use the primary context, so it is the one to test.
        CUcontext context = NULL;
        ok = CHECKED(index, cuDevicePrimaryCtxRetain, &context, d.handle);
        if (ok) {
            ok = CHECKED(index, cuCtxSetCurrent, context) && run_in_context(&d, used);
            CALL(cuCtxSetCurrent, NULL);
            CALL(cuDevicePrimaryCtxRelease, d.handle);
        }
    }
    event_begin("device_done");
    event_integer("stage", 1);
    event_integer("device", index);
    event_flag("ok", ok);
    event_text("image", used->name);
    event_end();
    return ok;
}

static bool initialise(int* count) {
    // Before cuInit: the call also works in a toolkit's stub and without a kernel module. It gives the CUDA version
    // that the libraries were built for.
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
    const void* images[MAX_DEVICES] = {NULL};
    for (int i = 0; i < count; ++i) {
        struct Used used = {0};
        progress->device = i;
        if (!run_device(i, &used)) continue;
        progress->devices_ok += 1;
        if (i < MAX_DEVICES) images[i] = used.bytes;
    }
    bool peers = test_peers(count < MAX_DEVICES ? count : MAX_DEVICES, images);
    progress->device = -1;
    return progress->devices_ok == count && peers;
}
