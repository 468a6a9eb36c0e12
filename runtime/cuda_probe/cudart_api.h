// The functions of the CUDA runtime that stage 2 links statically. NVIDIA's headers are not included: the wheel with
// the static library lacks the compiler's headers that they need. CUDA 11, 12 and 13 use these names without version
// suffixes; the library functions exist since 12.8. tests/fake_driver/check_headers.c compares the numbers.
#ifndef TINDERBOX_PROBE_CUDART_API_H
#define TINDERBOX_PROBE_CUDART_API_H

#include <stddef.h>

typedef int cudaError_t;
typedef struct CUstream_st* cudaStream_t;
typedef struct CUlib_st* cudaLibrary_t;
typedef struct CUkern_st* cudaKernel_t;
struct dim3 {
    unsigned x, y, z;
};

enum {
    RUNTIME_SUCCESS = 0,
    RUNTIME_NO_DEVICE = 100,
    MEMCPY_HOST_TO_DEVICE = 1,
    MEMCPY_DEVICE_TO_HOST = 2,
};

cudaError_t cudaRuntimeGetVersion(int* version);
cudaError_t cudaDriverGetVersion(int* version); // 0 and no error without a driver
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaMalloc(void** pointer, size_t size);
cudaError_t cudaFree(void* pointer);
cudaError_t cudaMemset(void* pointer, int value, size_t size);
cudaError_t cudaMemcpy(void* to, const void* from, size_t size, int kind);
cudaError_t cudaDeviceSynchronize(void);
cudaError_t cudaLibraryLoadData(cudaLibrary_t* library, const void* code, int* jit_options, void** jit_values,
                                unsigned jit_count, int* options, void** values, unsigned count);
cudaError_t cudaLibraryGetKernel(cudaKernel_t* kernel, cudaLibrary_t library, const char* name);
cudaError_t cudaLibraryUnload(cudaLibrary_t library);
// `function` may be a cudaKernel_t.
cudaError_t cudaLaunchKernel(const void* function, struct dim3 grid, struct dim3 block, void** arguments,
                             size_t shared_bytes, cudaStream_t stream);
const char* cudaGetErrorName(cudaError_t code);
const char* cudaGetErrorString(cudaError_t code);

#endif
