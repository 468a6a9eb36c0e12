#define _GNU_SOURCE // dlinfo
#include "driver_api.h"

#include "events.h"
#include "progress.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    CUresult code;
    const char *name, *text;
} known_errors[] = {
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {4, "CUDA_ERROR_DEINITIALIZED", "driver shutting down"},
    {34, "CUDA_ERROR_STUB_LIBRARY", "the library is a stub for linking, not a driver"},
    {46, "CUDA_ERROR_DEVICE_UNAVAILABLE", "the device is busy or unavailable"},
    {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {200, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {209, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for this device"},
    {214, "CUDA_ERROR_ECC_UNCORRECTABLE", "uncorrectable ECC error encountered"},
    {217, "CUDA_ERROR_PEER_ACCESS_UNSUPPORTED", "peer access is not supported across the given devices"},
    {218, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {221, "CUDA_ERROR_JIT_COMPILER_NOT_FOUND", "the driver's PTX compiler library was not found"},
    {222, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the PTX is newer than the driver"},
    {304, "CUDA_ERROR_OPERATING_SYSTEM", "an operating system call failed"},
    {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {702, "CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"},
    {704, "CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED", "peer access is already enabled"},
    {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {800, "CUDA_ERROR_NOT_PERMITTED", "operation not permitted"},
    {801, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {802, "CUDA_ERROR_SYSTEM_NOT_READY", "system not yet initialized"},
    {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "the driver's kernel module and its libraries differ in version"},
    {804, "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE", "forward compatibility is not supported on this hardware"},
    {999, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

const char* driver_error_name(const struct Driver* driver, CUresult code) {
    const char* name = NULL;
    if (driver->cuGetErrorName != NULL && driver->cuGetErrorName(code, &name) == 0 && name != NULL) return name;
    for (size_t i = 0; i < sizeof known_errors / sizeof known_errors[0]; ++i) {
        if (known_errors[i].code == code) return known_errors[i].name;
    }
    return "CUDA_ERROR_UNLISTED";
}

const char* driver_error_text(const struct Driver* driver, CUresult code) {
    const char* text = NULL;
    if (driver->cuGetErrorString != NULL && driver->cuGetErrorString(code, &text) == 0 && text != NULL) return text;
    for (size_t i = 0; i < sizeof known_errors / sizeof known_errors[0]; ++i) {
        if (known_errors[i].code == code) return known_errors[i].text;
    }
    return "an error that this probe does not know";
}

void driver_error(const struct Driver* driver, int device, const char* call, CUresult code) {
    event_begin("error");
    event_integer("stage", 1);
    if (device >= 0) event_integer("device", device);
    event_text("call", call);
    event_integer("code", code);
    event_text("name", driver_error_name(driver, code));
    event_text("message", driver_error_text(driver, code));
    event_end();
}

// Which libcuda was loaded decides what all later errors mean: it may be a toolkit's stub or a compat package. So the
// event names the file as found, and with symbolic links resolved: the real name ends with the driver's version.
static void say_library(int stage, void* library) {
    struct link_map* map = NULL;
    char resolved[PATH_MAX] = "";
    const char* path = dlinfo(library, RTLD_DI_LINKMAP, &map) == 0 && map != NULL ? map->l_name : NULL;
    bool is_resolved = path != NULL && realpath(path, resolved) != NULL;
    const char* where = is_resolved ? resolved : path != NULL ? path : "";
    const char* kind = strstr(where, "/stubs/") != NULL || (path != NULL && strstr(path, "/stubs/") != NULL) ? "stub"
                       : strstr(where, "compat/") != NULL                                                    ? "compat"
                       : strstr(where, "/wsl/") != NULL                                                      ? "wsl"
                                                                                                             : "driver";
    const char* version = strstr(where, "libcuda.so.");
    if (version != NULL) version += strlen("libcuda.so.");
    // "libcuda.so.1" holds no driver version.
    if (version != NULL && strchr(version, '.') == NULL) version = NULL;
    event_begin("libcuda");
    event_integer("stage", stage);
    event_text("path", path);
    event_text("resolved", is_resolved ? resolved : NULL);
    event_text("kind", kind);
    event_text("file_version", version);
    event_end();
}

static void say_missing(int stage, const char* symbol, bool needed) {
    event_begin(needed ? "error" : "note");
    event_integer("stage", stage);
    event_text("call", "dlsym");
    event_text("name", "SYMBOL_NOT_FOUND");
    event_text("symbol", symbol);
    event_text("message", needed ? "this libcuda.so.1 lacks a function that every CUDA driver has"
                                 : "this libcuda.so.1 lacks a function the probe can do without");
    event_end();
}

static void* open_library(int stage) {
    progress_call("dlopen");
    void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library != NULL) return library;
    const char* why = dlerror();
    // glibc does not translate this message, because this program does not call setlocale().
    bool absent = why != NULL && strncmp(why, "libcuda.so.1:", 13) == 0 && strstr(why, "No such file or directory");
    event_begin("error");
    event_integer("stage", stage);
    event_text("call", "dlopen");
    event_text("name", absent ? "LIBRARY_NOT_FOUND" : "LIBRARY_BROKEN");
    event_text("message", why != NULL ? why : "libcuda.so.1 could not be opened");
    event_end();
    return NULL;
}

bool driver_open(struct Driver* driver, int stage) {
    memset(driver, 0, sizeof *driver);
    void* library = open_library(stage);
    if (library == NULL) return false;
    say_library(stage, library);

    bool complete = true;
    void* symbol;
    // POSIX lets a data pointer from dlsym be used as a function. ISO C has no such cast, so memcpy copies the pointer.
#define X(function, symbol_name, older, needed, parameters)                                                            \
    symbol = dlsym(library, symbol_name);                                                                              \
    if (symbol == NULL && (older) != NULL) symbol = dlsym(library, (older) != NULL ? (older) : "");                    \
    memcpy(&driver->function, &symbol, sizeof symbol);
    DRIVER_FUNCTIONS(X)
#undef X
#define X(function, symbol_name, older, needed, parameters)                                                            \
    if (driver->function == NULL) {                                                                                    \
        say_missing(stage, symbol_name, needed);                                                                       \
        if (needed) complete = false;                                                                                  \
    }
    DRIVER_FUNCTIONS(X)
#undef X
    return complete;
}
