// The compiled forms of kernels.ptx inside this program.
#ifndef TINDERBOX_PROBE_IMAGES_H
#define TINDERBOX_PROBE_IMAGES_H

// The PTX text, NUL-terminated as cuModuleLoadData wants it.
extern const char image_ptx[];

// Machine code, made by ptxas at build time where a toolkit was there; ordered by architecture. May be empty.
struct Cubin {
    int architecture; // 90 = sm_90
    int cuda_version; // of the ptxas that made it: 13000 = CUDA 13.0; drivers of that major load it
    const unsigned char* bytes;
};
extern const struct Cubin image_cubins[];
extern const int image_cubin_count;

// The newest toolkit among those that made the machine code, 0 = none.
extern const int image_cuda_version;

// The machine code for a compute capability: the highest of the same major that is not above its minor
// (machine code runs on later minors of its major, on nothing else). NULL when there is none.
const struct Cubin* image_for(int major, int minor);

#endif
