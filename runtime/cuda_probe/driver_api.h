// libcuda.so.1, opened at run time: the types, codes and functions of the CUDA driver API that the probe uses. They are
// declared here so that the probe builds without a toolkit. The driver's ABI is stable, and
// tests/fake_driver/check_headers.c compares every number below with NVIDIA's cuda.h where it exists.
#ifndef TINDERBOX_PROBE_DRIVER_API_H
#define TINDERBOX_PROBE_DRIVER_API_H

#include <stdbool.h>
#include <stddef.h>

typedef int CUresult;
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st* CUcontext;
typedef struct CUmod_st* CUmodule;
typedef struct CUfunc_st* CUfunction;
typedef struct CUstream_st* CUstream;
typedef struct {
    unsigned char bytes[16];
} CUuuid;

enum {
    DRIVER_SUCCESS = 0,
    DRIVER_OUT_OF_MEMORY = 2,

    ATTRIBUTE_MULTIPROCESSORS = 16,
    ATTRIBUTE_COMPUTE_MODE = 20,
    ATTRIBUTE_ECC = 32,
    ATTRIBUTE_MAJOR = 75,
    ATTRIBUTE_MINOR = 76,

    JIT_ERROR_LOG = 5,
    JIT_ERROR_LOG_SIZE = 6,
};

// X(our name, symbol, symbol of older drivers or NULL, needed, parameters); each returns a CUresult. Names with _v2 are
// today's ABI: functions without the suffix take 32-bit addresses.
#define DRIVER_FUNCTIONS(X)                                                                                            \
    X(cuInit, "cuInit", NULL, true, (unsigned))                                                                        \
    X(cuDriverGetVersion, "cuDriverGetVersion", NULL, true, (int*))                                                    \
    X(cuGetErrorName, "cuGetErrorName", NULL, false, (CUresult, const char**))                                         \
    X(cuGetErrorString, "cuGetErrorString", NULL, false, (CUresult, const char**))                                     \
    X(cuDeviceGetCount, "cuDeviceGetCount", NULL, true, (int*))                                                        \
    X(cuDeviceGet, "cuDeviceGet", NULL, true, (CUdevice*, int))                                                        \
    X(cuDeviceGetName, "cuDeviceGetName", NULL, true, (char*, int, CUdevice))                                          \
    X(cuDeviceGetUuid, "cuDeviceGetUuid_v2", "cuDeviceGetUuid", false, (CUuuid*, CUdevice))                            \
    X(cuDeviceGetPCIBusId, "cuDeviceGetPCIBusId", NULL, false, (char*, int, CUdevice))                                 \
    X(cuDeviceGetAttribute, "cuDeviceGetAttribute", NULL, true, (int*, int, CUdevice))                                 \
    X(cuDeviceTotalMem, "cuDeviceTotalMem_v2", NULL, true, (size_t*, CUdevice))                                        \
    X(cuDevicePrimaryCtxRetain, "cuDevicePrimaryCtxRetain", NULL, true, (CUcontext*, CUdevice))                        \
    X(cuDevicePrimaryCtxRelease, "cuDevicePrimaryCtxRelease_v2", "cuDevicePrimaryCtxRelease", true, (CUdevice))        \
    X(cuCtxSetCurrent, "cuCtxSetCurrent", NULL, true, (CUcontext))                                                     \
    X(cuCtxSynchronize, "cuCtxSynchronize", NULL, true, (void))                                                        \
    X(cuMemGetInfo, "cuMemGetInfo_v2", NULL, false, (size_t*, size_t*))                                                \
    X(cuMemAlloc, "cuMemAlloc_v2", NULL, true, (CUdeviceptr*, size_t))                                                 \
    X(cuMemFree, "cuMemFree_v2", NULL, true, (CUdeviceptr))                                                            \
    X(cuMemAllocHost, "cuMemAllocHost_v2", NULL, false, (void**, size_t))                                              \
    X(cuMemFreeHost, "cuMemFreeHost", NULL, false, (void*))                                                            \
    X(cuMemcpyHtoD, "cuMemcpyHtoD_v2", NULL, true, (CUdeviceptr, const void*, size_t))                                 \
    X(cuMemcpyDtoH, "cuMemcpyDtoH_v2", NULL, true, (void*, CUdeviceptr, size_t))                                       \
    X(cuMemcpyDtoD, "cuMemcpyDtoD_v2", NULL, true, (CUdeviceptr, CUdeviceptr, size_t))                                 \
    X(cuMemsetD32, "cuMemsetD32_v2", NULL, true, (CUdeviceptr, unsigned, size_t))                                      \
    X(cuDeviceCanAccessPeer, "cuDeviceCanAccessPeer", NULL, false, (int*, CUdevice, CUdevice))                         \
    X(cuCtxEnablePeerAccess, "cuCtxEnablePeerAccess", NULL, false, (CUcontext, unsigned))                              \
    X(cuCtxDisablePeerAccess, "cuCtxDisablePeerAccess", NULL, false, (CUcontext))                                      \
    X(cuMemcpyPeer, "cuMemcpyPeer", NULL, false, (CUdeviceptr, CUcontext, CUdeviceptr, CUcontext, size_t))             \
    X(cuModuleLoadDataEx, "cuModuleLoadDataEx", NULL, true, (CUmodule*, const void*, unsigned, int*, void**))          \
    X(cuModuleUnload, "cuModuleUnload", NULL, true, (CUmodule))                                                        \
    X(cuModuleGetFunction, "cuModuleGetFunction", NULL, true, (CUfunction*, CUmodule, const char*))                    \
    X(cuLaunchKernel, "cuLaunchKernel", NULL, true,                                                                    \
      (CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream, void**, void**))

struct Driver {
#define X(name, symbol, older, needed, parameters) CUresult(*name) parameters;
    DRIVER_FUNCTIONS(X)
#undef X
    int version; // from cuDriverGetVersion; 0 before the call
};

// Opens libcuda.so.1 and finds the functions. Writes a "libcuda" event, and an "error" for each missing function.
bool driver_open(struct Driver* driver, int stage);

// "CUDA_ERROR_NO_DEVICE" and a sentence: from the driver if it knows them, else from our own table (a toolkit's stub
// has neither). Never NULL.
const char* driver_error_name(const struct Driver* driver, CUresult code);
const char* driver_error_text(const struct Driver* driver, CUresult code);

// Writes an "error" event; device -1 = no device.
void driver_error(const struct Driver* driver, int device, const char* call, CUresult code);

#endif
