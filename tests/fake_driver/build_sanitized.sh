#!/bin/sh
# build_sanitized.sh OUTDIR CUBINS_DIR [MAJOR=LIBCUDART_STATIC:VERSION…]: builds the probes with this machine's compiler
# under AddressSanitizer and UndefinedBehaviorSanitizer. NVIDIA's static runtimes stay as they are.
#
# Run them with the ASAN_OPTIONS that are printed: the drivers of the scenarios raise signals, which the sanitizer must
# leave alone.
set -eu
out=$1
cubins=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
probe=$here/../../runtime/cuda_probe
cd "$probe"
zig=$("$probe/fetch_wheel.sh" ziglang)/ziglang/zig
mkdir -p "$out"
ZIG_GLOBAL_CACHE_DIR=${TINDERBOX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tinderbox}/zig
ZIG_LOCAL_CACHE_DIR=$out.zig
export ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR
# It holds only data, and many compilers lack #embed.
"$zig" cc -target x86_64-linux-gnu.2.17 -std=gnu23 -O2 -fno-sanitize=all -I. -I"$cubins" -c images.c -o "$out.images.o"
build() { # NAME VERSION FILES…
    name=$1 version=$2
    shift 2
    ${CC:-cc} -std=gnu2x -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all -ffp-contract=off \
        -Wall -Wextra -DTINDERBOX_CUDART_VERSION="$version" -I. -I"$cubins" main.c events.c workload.c driver_api.c stage1.c \
        memory_test.c peers.c bandwidth.c "$out.images.o" "$@" -o "$out/$name" -ldl -lpthread -lrt -lstdc++
}
build cuda_probe_0 0 stage2_none.c
for runtime in "$@"; do
    major=${runtime%%=*} rest=${runtime#*=}
    library=${rest%:*} version=${rest##*:}
    loader=stage2_library.c
    [ "$version" -ge 12000 ] || loader=stage2_module.c
    build "cuda_probe_$major" "$version" stage2.c "$loader" "$library"
done
echo "handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigill=0:handle_sigfpe=0:exitcode=99"
