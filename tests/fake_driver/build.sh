#!/bin/sh
# build.sh OUTDIR: builds the fake drivers. Each is a libcuda.so.1 in a folder of its own for LD_LIBRARY_PATH:
#   full/            every function
#   no-launch/       without cuLaunchKernel (needed by the probe)
#   no-names/        without cuGetErrorName/String, PCI bus id, and with the older cuDeviceGetUuid (all optional)
# old/             like a driver of CUDA 9.0: the same, and without functions for peers (also optional)
#   compat/          the full one in a folder named like a CUDA compatibility package's, with a versioned name
#   empty/           a shared library without any function
#   broken/          not a library at all;  truncated/  the first half of one
set -eu
out=$1
here=$(cd "$(dirname "$0")" && pwd)
build() { # FOLDER SOURCE FLAGS…
    folder=$1 source=$2
    shift 2
    mkdir -p "$out/$folder"
    ${CC:-cc} -shared -fPIC -O2 -Wall -Wextra -ffp-contract=off -Wl,-soname,libcuda.so.1 "$@" \
        -o "$out/$folder/libcuda.so.1" "$source" -lm
}
build full "$here/fake_cuda.c"
build no-launch "$here/fake_cuda.c" -DOMIT_cuLaunchKernel
build no-names "$here/fake_cuda.c" -DOMIT_cuGetErrorName -DOMIT_cuDeviceGetPCIBusId -DOMIT_cuDeviceGetUuid_v2
build old "$here/fake_cuda.c" -DOMIT_cuGetErrorName -DOMIT_cuDeviceGetPCIBusId -DOMIT_cuDeviceGetUuid_v2 -DOMIT_peers
mkdir -p "$out/compat" "$out/broken" "$out/truncated"
cp "$out/full/libcuda.so.1" "$out/compat/libcuda.so.575.57.08"
ln -sf libcuda.so.575.57.08 "$out/compat/libcuda.so.1"
echo 'int fake_nothing;' > "$out/empty.c"
build empty "$out/empty.c"
echo "this is no library" > "$out/broken/libcuda.so.1"
head -c 6000 "$out/full/libcuda.so.1" > "$out/truncated/libcuda.so.1"
