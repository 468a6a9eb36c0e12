#!/usr/bin/env bash
# The CUDA probes of the build: their libraries, reproducible bytes, the results of their kernels, and our declarations
# compared with NVIDIA's headers.
. "$(dirname "$0")/cuda_probe.inc"
echo "== what the probes are linked to"
for probe in "$probes"/*; do
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
    if grep -aqF "$root" "$probe"; then fail "$name holds a path of the machine it was built on"; fi
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
for folder in "${CUDA_HOME:-/usr/local/cuda}/include" "$TINDERBOX_CACHE"/wheels/nvidia-cuda-runtime*/nvidia/*/include; do
    if [ -f "$folder/cuda.h" ]; then header_dir=$folder; break; fi
done
if [ -n "$header_dir" ]; then
    "${CC:-cc}" -std=gnu11 -fsyntax-only -I "$header_dir" -I "$probe_dir" "$fake_dir/check_headers.c"
    echo "ok       $header_dir"
else
    echo "skipped  no cuda.h on this machine"
fi
