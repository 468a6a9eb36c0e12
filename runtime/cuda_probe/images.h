// The compiled forms of kernels.ptx inside this program.
#ifndef TINDERBOX_PROBE_IMAGES_H
#define TINDERBOX_PROBE_IMAGES_H

// The PTX text, ended by NUL for cuModuleLoadData.
extern const char image_ptx[];

// Machine code that ptxas made at build time, ordered by architecture. Empty when the build had no ptxas.
struct Cubin {
    int architecture; // 90 = sm_90
    int cuda_version; // of the ptxas that made it: 13000 = CUDA 13.0; drivers of that major load it
    const unsigned char* bytes;
};
extern const struct Cubin image_cubins[];
extern const int image_cubin_count;

// The newest CUDA version whose ptxas made machine code; 0 = there is no machine code.
extern const int image_cuda_version;

// The machine code for a compute capability: the highest of the same major that is not above its minor, because machine
// code runs only on the same and later minors of its major. NULL when there is none for it.
const struct Cubin* image_for(int major, int minor);

#endif
