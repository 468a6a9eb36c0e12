#!/usr/bin/env bash
# scripts/gpu-machine without a GPU: a small environment is captured, installed without network and verified. Once on
# this machine, and once on a described one with our fake driver, which computes on the CPU.
. "$(dirname "$0")/common.inc"
python=$(find_python) || skip "no Python 3.10 to 3.13 with pip"
[ ! -e /dev/nvidiactl ] || skip "this machine has a GPU: scripts/gpu-machine itself is the test"
command -v "${CC:-cc}" >/dev/null || skip "a C compiler is needed for the driver"
links=$TINDERBOX_CACHE/test-wheels/report
wheels "$links" six==1.17.0 nvidia-cuda-runtime-cu11==11.8.89 nvidia-cuda-runtime-cu12==12.9.79
"$python" -m venv "$work/venv"
quietly env -u PIP_FIND_LINKS "$work/venv/bin/pip" install --no-index --find-links "$links" six nvidia-cuda-runtime-cu11
mkdir "$work/carried"
cp "$tinderbox" "$build"/runtime/cuda_probe/cuda_probe_0 "$work/carried/"
go() { # OUT
    bash "$root/scripts/gpu-machine" --tinderbox "$work/carried/tinderbox" --prefix "$work/venv" --out "$work/$1" --scratch "$work" >"$work/log" 2>&1 ||
        { cat "$work/log"; fail "gpu-machine, $1: exit $?"; }
    grep -qF "all steps as they must be" "$work/$1/summary.txt" || fail "gpu-machine, $1: no last line"
    [ "$(find "$work/$1" -type f | wc -l)" -le 8 ] || fail "gpu-machine, $1: more than eight files"
    [ -z "$(find "$work" -maxdepth 1 -name 'tinderbox-gpu.*')" ] || fail "gpu-machine, $1: left something behind"
}
go plain
grep -qF "GPU: not verified" "$work/plain/summary.txt" || { cat "$work/plain/summary.txt"; fail "where there is no GPU none is verified"; }

bash "$root/tests/fake_driver/build.sh" "$work/drivers"
"$python" "$root/tests/tools/expand_machine.py" "$root/tests/fixtures/machines/desktop.machine" "$work/machine" >/dev/null
export TINDERBOX_SYSROOT=$work/machine LD_LIBRARY_PATH=$work/drivers/full FAKE_CUDA="memory=200000000,cc=8.6"
go described
cat "$work/described/summary.txt"
grep -qF "stage 1 passed" "$work/described/summary.txt" || fail "the driver's kernels did not run"
grep -qF "saxpy, fma, reduce, matmul right to the bit" "$work/described/doctor.txt" || fail "doctor shows no kernels"
grep -q '"event":"end","ok":true' "$work/described/probes.jsonl" || fail "the probe did not pass"
