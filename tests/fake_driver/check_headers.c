// Compiled, never run: compares the numbers that the probe declares with NVIDIA's cuda.h.
//   cc -fsyntax-only -I TOOLKIT/include -I runtime/cuda_probe check_headers.c
// The probe's header is included first with other names, because both declare the same types.
#define CUresult probe_CUresult
#define CUdevice probe_CUdevice
#define CUdeviceptr probe_CUdeviceptr
#define CUcontext probe_CUcontext
#define CUmodule probe_CUmodule
#define CUfunction probe_CUfunction
#define CUstream probe_CUstream
#define CUuuid probe_CUuuid
#include "driver_api.h"
#undef CUresult
#undef CUdevice
#undef CUdeviceptr
#undef CUcontext
#undef CUmodule
#undef CUfunction
#undef CUstream
#undef CUuuid
#include <cuda.h>

#define SAME(ours, theirs) _Static_assert((int)(ours) == (int)(theirs), #ours " is not " #theirs)
SAME(DRIVER_SUCCESS, CUDA_SUCCESS);
SAME(DRIVER_OUT_OF_MEMORY, CUDA_ERROR_OUT_OF_MEMORY);
SAME(ATTRIBUTE_MULTIPROCESSORS, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
SAME(ATTRIBUTE_COMPUTE_MODE, CU_DEVICE_ATTRIBUTE_COMPUTE_MODE);
SAME(ATTRIBUTE_ECC, CU_DEVICE_ATTRIBUTE_ECC_ENABLED);
SAME(ATTRIBUTE_MAJOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
SAME(ATTRIBUTE_MINOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
SAME(JIT_ERROR_LOG, CU_JIT_ERROR_LOG_BUFFER);
SAME(JIT_ERROR_LOG_SIZE, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES);
SAME(sizeof(probe_CUuuid), sizeof(CUuuid));
SAME(sizeof(probe_CUresult), sizeof(CUresult));
SAME(sizeof(probe_CUdevice), sizeof(CUdevice));
SAME(sizeof(probe_CUdeviceptr), sizeof(CUdeviceptr));

// The codes that the probe has sentences for, and those that the tests use.
SAME(34, CUDA_ERROR_STUB_LIBRARY);
SAME(46, CUDA_ERROR_DEVICE_UNAVAILABLE);
SAME(100, CUDA_ERROR_NO_DEVICE);
SAME(101, CUDA_ERROR_INVALID_DEVICE);
SAME(200, CUDA_ERROR_INVALID_IMAGE);
SAME(209, CUDA_ERROR_NO_BINARY_FOR_GPU);
SAME(214, CUDA_ERROR_ECC_UNCORRECTABLE);
SAME(217, CUDA_ERROR_PEER_ACCESS_UNSUPPORTED);
SAME(218, CUDA_ERROR_INVALID_PTX);
SAME(221, CUDA_ERROR_JIT_COMPILER_NOT_FOUND);
SAME(222, CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
SAME(304, CUDA_ERROR_OPERATING_SYSTEM);
SAME(500, CUDA_ERROR_NOT_FOUND);
SAME(700, CUDA_ERROR_ILLEGAL_ADDRESS);
SAME(701, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
SAME(702, CUDA_ERROR_LAUNCH_TIMEOUT);
SAME(704, CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED);
SAME(719, CUDA_ERROR_LAUNCH_FAILED);
SAME(800, CUDA_ERROR_NOT_PERMITTED);
SAME(801, CUDA_ERROR_NOT_SUPPORTED);
SAME(802, CUDA_ERROR_SYSTEM_NOT_READY);
SAME(803, CUDA_ERROR_SYSTEM_DRIVER_MISMATCH);
SAME(804, CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE);
SAME(999, CUDA_ERROR_UNKNOWN);

// Today's headers map the plain names to the _v2 names.
#define TEXT_OF(name) #name
#define EXPANDED(name) TEXT_OF(name)
#define NAMED(plain, symbol) _Static_assert(sizeof EXPANDED(plain) == sizeof symbol, #plain " has another symbol")
NAMED(cuDeviceTotalMem, "cuDeviceTotalMem_v2");
NAMED(cuDevicePrimaryCtxRelease, "cuDevicePrimaryCtxRelease_v2");
NAMED(cuMemGetInfo, "cuMemGetInfo_v2");
NAMED(cuMemAlloc, "cuMemAlloc_v2");
NAMED(cuMemFree, "cuMemFree_v2");
NAMED(cuMemAllocHost, "cuMemAllocHost_v2");
NAMED(cuMemcpyHtoD, "cuMemcpyHtoD_v2");
NAMED(cuMemcpyDtoH, "cuMemcpyDtoH_v2");
NAMED(cuMemcpyDtoD, "cuMemcpyDtoD_v2");
NAMED(cuMemsetD32, "cuMemsetD32_v2");
NAMED(cuDeviceCanAccessPeer, "cuDeviceCanAccessPeer");
NAMED(cuCtxEnablePeerAccess, "cuCtxEnablePeerAccess");
NAMED(cuMemcpyPeer, "cuMemcpyPeer");
NAMED(cuModuleLoadDataEx, "cuModuleLoadDataEx");
NAMED(cuLaunchKernel, "cuLaunchKernel");
