// Starts the kernels with CUDA 12 and later, whose runtime loads PTX itself.
#include "images.h"
#include "stage2.h"

static cudaLibrary_t library;

bool kernels_load(int device) {
    // Loaded once for all devices; each device compiles the PTX at its first use.
    if (library != NULL) return true;
    return CHECKED(device, cudaLibraryLoadData, &library, image_ptx, NULL, NULL, 0, NULL, NULL, 0);
}

bool kernels_launch(int device, const struct WorkKernel* kernel, void** arguments) {
    cudaKernel_t function = NULL;
    if (!CHECKED(device, cudaLibraryGetKernel, &function, library, kernel->entry)) return false;
    struct dim3 grid = {kernel->grid[0], kernel->grid[1], 1}, block = {kernel->block[0], kernel->block[1], 1};
    return CHECKED(device, cudaLaunchKernel, (const void*)function, grid, block, arguments, 0, NULL);
}

bool kernels_unload(int device) {
    (void)device; // the other devices still use the library, and the process ends soon
    return true;
}
