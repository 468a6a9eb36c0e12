#include "images.h"

#include <stddef.h>

const char image_ptx[] = {
#embed "kernels.ptx"
    , 0};

// Written by make_cubins.sh: image_cubins, image_cubin_count and TINDERBOX_PTXAS_VERSION.
#include "cubins.inc"

const int image_cuda_version = TINDERBOX_PTXAS_VERSION;

const struct Cubin* image_for(int major, int minor) {
    const struct Cubin* best = NULL;
    for (int i = 0; i < image_cubin_count; ++i) {
        const struct Cubin* c = &image_cubins[i];
        if (c->architecture / 10 == major && c->architecture % 10 <= minor) best = c;
    }
    return best;
}
