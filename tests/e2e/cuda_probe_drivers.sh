#!/usr/bin/env bash
# What the CUDA probes say of every way a driver can fail; sanitized too, where the build is.
. "$(dirname "$0")/cuda_probe.inc"
drivers
# The stub of a toolkit, and the real libcuda of Debian's non-free packages (never installed: unpacked into the
# cache), which without a kernel module answers "no device".
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

# The probes' own code and the fake driver's memory, which stands for the GPU's: part of a sanitized build's tests.
if grep -q '^TINDERBOX_SANITIZE:STRING=.*address' "$build/CMakeCache.txt" || [ -n "${TINDERBOX_TEST_FULL:-}" ]; then
    echo "== the same drivers, under AddressSanitizer and UndefinedBehaviorSanitizer"
    runtimes=()
    for library in "$TINDERBOX_CACHE"/cudart-11*/lib/libcudart_static.a "$TINDERBOX_CACHE"/wheels/nvidia-cuda-runtime-*/nvidia/*/lib/libcudart_static.a \
        "${CUDA_HOME:-/usr/local/cuda}/lib64/libcudart_static.a"; do
        header=$(dirname "$(dirname "$library")")/include/cuda_runtime_api.h
        version=$(sed -n 's/^#define CUDART_VERSION *\([0-9]*\).*/\1/p' "$header" 2>/dev/null | head -n 1)
        [ ! -f "$library" ] || [ -z "$version" ] || runtimes+=("$((version / 1000))=$library:$version")
    done
    CC="${CC:-cc} -fsanitize=address" bash "$fake_dir/build.sh" "$work/drivers-sanitized"
    ASAN_OPTIONS=$("$fake_dir/build_sanitized.sh" "$work/sanitized" "$built/cubins" "${runtimes[@]}")
    export ASAN_OPTIONS
    chmod 755 "$work/sanitized"
    python3 "$fake_dir/scenarios.py" "$work/sanitized" "$work/drivers-sanitized" "${doubles[@]}"
fi
