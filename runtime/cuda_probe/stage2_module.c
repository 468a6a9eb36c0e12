// Starts the kernels with CUDA 11, whose runtime knows only code that nvcc linked in. NVIDIA documents the way for
// other code ("interoperability"): the driver API in the runtime's own context. That context is current once the
// runtime has allocated memory. The copy of libcuda.so.1 that the runtime has opened is used.
#define _GNU_SOURCE // RTLD_NOLOAD
#include "driver_api.h"
#include "events.h"
#include "images.h"
#include "stage2.h"

#include <dlfcn.h>
#include <string.h>

static struct Driver driver; // only the functions used below; without names of errors, so ours are used
static CUmodule module;

static bool good(int device, const char* call, CUresult code) {
    if (code == DRIVER_SUCCESS) return true;
    event_begin("error");
    event_integer("stage", 2);
    event_integer("device", device);
    event_text("call", call);
    event_integer("code", code);
    event_text("name", driver_error_name(&driver, code));
    event_text("message", driver_error_text(&driver, code));
    event_end();
    return false;
}
#define CALLED(device, function, ...) good(device, #function, (progress_call(#function), driver.function(__VA_ARGS__)))

static bool find(void* library, const char* name, void* function, size_t size) {
    void* symbol = dlsym(library, name);
    memcpy(function, &symbol, size);
    return symbol != NULL;
}

static bool open_driver(int device) {
    if (driver.cuLaunchKernel != NULL) return true;
    void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
    bool found = library != NULL;
#define FIND(name) found = found && find(library, #name, &driver.name, sizeof driver.name)
    FIND(cuModuleLoadDataEx);
    FIND(cuModuleGetFunction);
    FIND(cuModuleUnload);
    FIND(cuLaunchKernel);
    return found || good(device, "dlsym", 500);
}

bool kernels_load(int device) {
    return open_driver(device) && CALLED(device, cuModuleLoadDataEx, &module, image_ptx, 0, NULL, NULL);
}

bool kernels_launch(int device, const struct WorkKernel* kernel, void** arguments) {
    CUfunction function = NULL;
    if (!CALLED(device, cuModuleGetFunction, &function, module, kernel->entry)) return false;
    return CALLED(device, cuLaunchKernel, function, kernel->grid[0], kernel->grid[1], 1, kernel->block[0],
                  kernel->block[1], 1, 0, NULL, arguments, NULL);
}

bool kernels_unload(int device) { return CALLED(device, cuModuleUnload, module); }
