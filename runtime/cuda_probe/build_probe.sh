#!/bin/sh
# build_probe.sh OUTPUT ZIG CUBINS_DIR [LIBCUDART_STATIC VERSION]
#
# Compiles one probe with zig for x86-64 and glibc 2.17. zig has the symbol tables of every glibc, so the program needs
# no newer glibc than that. It is plain C and links no C++ library. With the static CUDA runtime it has stage 2 (VERSION
# is CUDART_VERSION, such as 12090); without it only stage 1.
set -eu

output=$1
zig=$2
cubins=$3
cudart=${4:-}
version=${5:-0}
here=$(cd "$(dirname "$0")" && pwd)

ZIG_GLOBAL_CACHE_DIR=${TINDERBOX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tinderbox}/zig
ZIG_LOCAL_CACHE_DIR=$cubins/zig-cache
export ZIG_GLOBAL_CACHE_DIR ZIG_LOCAL_CACHE_DIR
# The search paths of this machine must not reach the link: LIBRARY_PATH often has a toolkit's stubs folder.
unset LIBRARY_PATH CPATH C_INCLUDE_PATH

stage2=stage2_none.c
if [ -n "$cudart" ]; then
    stage2="stage2.c stage2_library.c"
    [ "$version" -ge 12000 ] || stage2="stage2.c stage2_module.c"
fi

cd "$here"
"$zig" cc -target x86_64-linux-gnu.2.17 -std=gnu23 -O2 -s -ffp-contract=off -fno-sanitize=all \
    -Wall -Wextra -Wshadow -Werror -DTINDERBOX_CUDART_VERSION="$version" -I. -I"$cubins" \
    main.c events.c workload.c images.c driver_api.c stage1.c memory_test.c peers.c bandwidth.c $stage2 \
    $cudart -o "$output.new" -Wl,--gc-sections -ldl -lpthread -lrt
mv "$output.new" "$output"
