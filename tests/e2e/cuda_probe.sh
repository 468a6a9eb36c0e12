#!/bin/bash
# The CUDA probes as the build left them: what they are linked to, what their kernels compute, and what they say of
# every way a driver can fail (tests/fake_driver). No GPU is needed. Exit 77: nothing to test here.
set -euo pipefail

source_dir=${TINDERBOX_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build_dir=${TINDERBOX_BUILD_DIR:?set TINDERBOX_BUILD_DIR to a build directory}
probe_dir=$source_dir/runtime/cuda_probe
fake_dir=$source_dir/tests/fake_driver
built=$build_dir/runtime/cuda_probe
cache=${TINDERBOX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tinderbox}

skip() { echo "skipped: $*"; exit 77; }
fail() { echo "FAILED: $*" >&2; exit 1; }

[ -x "$built/cuda_probe_0" ] || skip "no probe was built in $built"
command -v python3 >/dev/null || skip "python3 is needed"
command -v "${CC:-cc}" >/dev/null || skip "a C compiler is needed for the fake drivers"

# Readable by another user: a real libcuda is not run as root.
work=$(mktemp -d "${TMPDIR:-/tmp}/tinderbox-probe.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir "$work/probes"
cp "$built"/cuda_probe_* "$work/probes/"

echo "== what the probes are linked to"
for probe in "$work"/probes/*; do
    name=$(basename "$probe")
    newest=$(objdump -T "$probe" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -uV | tail -n 1)
    [ "$(printf '%s\n2.17\n' "$newest" | sort -V | tail -n 1)" = 2.17 ] || fail "$name asks for glibc $newest"
    needed=$(readelf -d "$probe" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | sort | tr '\n' ' ')
    for library in $needed; do
        case $library in
        libc.so.6 | libdl.so.2 | libpthread.so.0 | librt.so.1 | ld-linux-x86-64.so.2) ;;
        *) fail "$name needs $library" ;;
        esac
    done
    if readelf -d "$probe" | grep -qE 'RPATH|RUNPATH|TEXTREL'; then fail "$name has an RPATH or text relocations"; fi
    readelf -lW "$probe" | grep -q '/lib64/ld-linux-x86-64.so.2' || fail "$name has another interpreter"
    readelf -lW "$probe" | grep 'GNU_STACK' | grep -qv 'RWE' || fail "$name wants an executable stack"
    if readelf -SW "$probe" | grep -qE '\.symtab|\.debug'; then fail "$name is not stripped"; fi
    if grep -aqF "$source_dir" "$probe"; then fail "$name holds a path of the machine it was built on"; fi
    size=$(stat -c %s "$probe")
    [ "$size" -lt 1048576 ] || fail "$name is $size bytes"
    echo "ok       $name: $size bytes, glibc $newest, needs $needed"
done

echo "== the same bytes again, built elsewhere"
if zig=$("$probe_dir/fetch_wheel.sh" ziglang) && [ -f "$built/cubins/cubins.inc" ]; then
    mkdir "$work/again"
    cp "$built"/cubins/cubins.inc "$work/again/"
    for cubin in "$built"/cubins/*.cubin; do [ ! -f "$cubin" ] || cp "$cubin" "$work/again/"; done
    "$probe_dir/build_probe.sh" "$work/again/cuda_probe_0" "$zig/ziglang/zig" "$work/again"
    cmp "$work/again/cuda_probe_0" "$built/cuda_probe_0" || fail "two builds of cuda_probe_0 differ"
    echo "ok       cuda_probe_0"
else
    echo "skipped  no zig"
fi

echo "== the kernels, interpreted"
python3 "$fake_dir/ptx_interpreter.py" "$probe_dir/kernels.ptx"

echo "== our declarations against NVIDIA's header"
header_dir=
for folder in "${CUDA_HOME:-/usr/local/cuda}/include" "$cache"/wheels/nvidia-cuda-runtime*/nvidia/*/include; do
    if [ -f "$folder/cuda.h" ]; then header_dir=$folder; break; fi
done
if [ -n "$header_dir" ]; then
    "${CC:-cc}" -std=gnu11 -fsyntax-only -I "$header_dir" -I "$probe_dir" "$fake_dir/check_headers.c"
    echo "ok       $header_dir"
else
    echo "skipped  no cuda.h on this machine"
fi

echo "== wrong usage"
for arguments in "--stage 3" "--stage" "--seconds 0" "--seconds x" "--seconds 999999999999999999999" "--seconds" "--memory" "--memory 96" "--memory -1" "--memory 5x" "device" "--help"; do
    status=0
    # shellcheck disable=SC2086
    "$work/probes/cuda_probe_0" $arguments >"$work/out" 2>"$work/err" || status=$?
    [ "$status" = 2 ] && [ ! -s "$work/out" ] && grep -q '^usage:' "$work/err" || fail "'$arguments' gave exit $status"
done
echo "ok       exit 2 and one line of usage"

bash "$fake_dir/build.sh" "$work/drivers"
export_fake=(env LD_LIBRARY_PATH="$work/drivers/full")

echo "== the probe is killed: its child goes with it"
"${export_fake[@]}" FAKE_CUDA=hang=cuInit "$work/probes/cuda_probe_0" >"$work/out" &
supervisor=$!
for _ in $(seq 100); do grep -q '"driver"' "$work/out" && break; sleep 0.05; done
child=$(cat "/proc/$supervisor/task/$supervisor/children" | tr -d ' ')
[ -n "$child" ] || fail "the probe has no child"
kill -KILL "$supervisor"
{ wait "$supervisor" || true; } 2>/dev/null
for _ in $(seq 100); do [ -d "/proc/$child" ] && sleep 0.05 || break; done
# A zombie that nobody has reaped yet is dead too.
if [ -d "/proc/$child" ] && ! grep -q '^State:.*Z' "/proc/$child/status"; then fail "the child $child lives on"; fi
echo "ok       killed"

echo "== closed descriptors, and a reader that goes away"
"${export_fake[@]}" "$work/probes/cuda_probe_0" --stage 1 <&- 2>&- | tail -n 1 | grep -q '"ok":true' || fail "closed stdin and stderr"
status=0
"${export_fake[@]}" "$work/probes/cuda_probe_0" --stage 1 >&- || status=$?
[ "$status" = 0 ] || fail "closed stdout gave exit $status"
{
    status=0
    "${export_fake[@]}" FAKE_CUDA=devices=8 timeout 20 "$work/probes/cuda_probe_0" || status=$?
    echo $status >"$work/status"
} | head -n 1 >/dev/null
[ "$(cat "$work/status")" = 1 ] || fail "a reader that goes away gave exit $(cat "$work/status")"
echo "ok"

echo "== nothing is written anywhere"
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    for probe in "$work"/probes/*; do
        "${export_fake[@]}" strace -f -o "$work/trace" -e trace=%file "$probe" >/dev/null || true
        if grep -E 'O_WRONLY|O_RDWR|O_CREAT|mkdir|unlink|rename|mknod|symlink|chmod' "$work/trace" | grep -v '"/dev/null"'; then
            fail "$(basename "$probe") writes"
        fi
    done
    echo "ok       by strace"
else
    echo "skipped  no strace"
fi

# The stub of a toolkit, and the real libcuda of Debian's non-free packages (never installed: unpacked into the
# cache), which without a kernel module answers "no device".
doubles=()
stub=${CUDA_HOME:-/usr/local/cuda}/lib64/stubs/libcuda.so
if [ -f "$stub" ]; then
    mkdir "$work/stubs"
    cp "$stub" "$work/stubs/libcuda.so.1"
    doubles+=(--stub "$work/stubs")
fi
if real=$("$fake_dir/fetch_libcuda.sh" "$cache/libcuda"); then
    mkdir "$work/real"
    cp -P "$real"/libcuda.so* "$work/real/"
    doubles+=(--real "$work/real")
fi

echo "== drivers that fail"
python3 "$fake_dir/scenarios.py" "$work/probes" "$work/drivers" "${doubles[@]}"

# The probes' own code and the fake driver's memory, which stands for the GPU's: part of a sanitized build's tests.
if grep -q '^TINDERBOX_SANITIZE:STRING=.*address' "$build_dir/CMakeCache.txt" || [ -n "${TINDERBOX_TEST_FULL:-}" ]; then
    echo "== the same drivers, under AddressSanitizer and UndefinedBehaviorSanitizer"
    runtimes=()
    for library in "$cache"/cudart-11*/lib/libcudart_static.a "$cache"/wheels/nvidia-cuda-runtime-*/nvidia/*/lib/libcudart_static.a \
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
