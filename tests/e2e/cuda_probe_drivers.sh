#!/usr/bin/env bash
# The events of the CUDA probes for every kind of failing driver. In a sanitized build the probes are sanitized, too.
. "$(dirname "$0")/cuda_probe.inc"
drivers
# The stub of a toolkit, and the real libcuda of Debian's non-free packages, which answers "no device" without a kernel
# module. It is never installed, only unpacked into the cache.
doubles=()
stub=${CUDA_HOME:-/usr/local/cuda}/lib64/stubs/libcuda.so
if [ -f "$stub" ]; then
    mkdir "$work/stubs"
    cp "$stub" "$work/stubs/libcuda.so.1"
    doubles+=(--stub "$work/stubs")
fi
if real=$("$fake_dir/fetch_libcuda.sh" "$TINDERBOX_CACHE/libcuda"); then
    mkdir "$work/real"
    cp -P "$real"/libcuda.so* "$work/real/"
    doubles+=(--real "$work/real")
fi

echo "== drivers that fail"
python3 "$fake_dir/scenarios.py" "$probes" "$work/drivers" "${doubles[@]}"

# In a sanitized build the probes' code is tested, too, with the fake driver's memory in place of the GPU's.
if grep -q '^TINDERBOX_SANITIZE:STRING=.*address' "$build/CMakeCache.txt" || [ -n "${TINDERBOX_TEST_FULL:-}" ]; then
    echo "== the same drivers, under AddressSanitizer and UndefinedBehaviorSanitizer"
    runtimes=()
    for library in "$TINDERBOX_CACHE"/cudart-11*/lib/libcudart_static.a "$TINDERBOX_CACHE"/wheels/nvidia-cuda-runtime-*/nvidia/*/lib/libcudart_static.a \
        "${CUDA_HOME:-/usr/local/cuda}/lib64/libcudart_static.a"; do
        header=$(dirname "$(dirname "$library")")/include/cuda_runtime_api.h
        [ -f "$library" ] && [ -f "$header" ] || continue # a pattern that matched nothing, too
        version=$(sed -n 's/^#define CUDART_VERSION *\([0-9]*\).*/\1/p' "$header" | head -n 1)
        [ -z "$version" ] || runtimes+=("$((version / 1000))=$library:$version")
    done
    CC="${CC:-cc} -fsanitize=address" bash "$fake_dir/build.sh" "$work/drivers-sanitized"
    ASAN_OPTIONS=$("$fake_dir/build_sanitized.sh" "$work/sanitized" "$built/cubins" "${runtimes[@]}")
    export ASAN_OPTIONS
    chmod 755 "$work/sanitized"
    python3 "$fake_dir/scenarios.py" "$work/sanitized" "$work/drivers-sanitized" "${doubles[@]}"
fi
