#!/usr/bin/env bash
# The device code of real CUDA wheels: the packer and cuobjdump must list the same.
. "$(dirname "$0")/common.inc"
python=$(find_python) || skip "no Python 3.10 to 3.13 with pip"
[ "$(uname -m)" = x86_64 ] || skip "cuobjdump and the wheels are for x86-64"
list=$build/list_fatbins
[ -x "$list" ] || skip "$list has not been built"
links=$TINDERBOX_CACHE/test-wheels/gpu-1
wheels "$links" nvidia-cuda-cuobjdump==13.4.92 nvidia-nvjpeg-cu12==12.4.0.76 nvidia-nvjpeg==13.3.2.43
cuobjdump=$links/unpacked/nvidia/cu13/bin/cuobjdump
if [ ! -x "$cuobjdump" ]; then
    "$python" -m zipfile -e "$links"/nvidia_cuda_cuobjdump-*.whl "$links/unpacked"
    chmod +x "$cuobjdump"
fi
python3 "$root/tests/tools/compare_with_cuobjdump.py" --list-fatbins "$list" --cuobjdump "$cuobjdump" "$links"/nvidia_nvjpeg*.whl

# A library with device code through all stages: manifest, plan, target, doctor, --info.
cd "$work"
build() { "$tinderbox" build --python-from "$python" --no-index --find-links "$links" --pip nvidia-nvjpeg-cu12==12.4.0.76 "$@"; }
expect 2 "it is not in the table of GPUs" build --target-gpu "RTX 9999" -o x.run
expect 2 "write a driver version" build --target-driver new -o x.run
expect 3 "driver 470 is below 525.60.13, the lowest that runs CUDA 12" build --target-driver 470 -o x.run
[ ! -e x.run ] || fail "a refused build left a file"
build --target-gpu "RTX 3060" --target-gpu 6.1 --target-driver 535 -o demo.run >log 2>&1 || { cat log; fail "the target fits"; }
grep -qF "GeForce RTX 3060 (8.6), a GPU (6.1) with driver 535" log || { cat log; fail "the build does not say what the target runs"; }
# No driver that runs CUDA 12 supports Kepler.
expect 3 "the last driver branch for it is 470, and CUDA 12 needs driver 525.60.13" build --target-gpu sm_35 -o x.run
expect 0 "sm_50 sm_52 sm_60 sm_61 sm_70 sm_75 sm_80 sm_86 sm_89 sm_90 sm_100" build --plan
"$tinderbox" inspect demo.run --json >manifest.json
python3 - manifest.json <<'EOF'
import json, sys
needs = json.load(open(sys.argv[1]))["requires"]
assert needs["cuda_major"] == 12 and needs["driver_floor"] == "525.60.13", needs
assert needs["cuda_evidence"][0]["because"].startswith("nvidia-nvjpeg-cu12"), needs["cuda_evidence"]
library, = needs["gpu_libraries"]
assert library["path"].endswith("libnvjpeg.so.12") and "sm_61" in library["sass"], library
assert library["ptx"] == ["compute_121"] and library["ptx_isa"] == {"compute_121": "8.8"}, library
assert needs["ptx_cuda"] == "12.9" and needs["ptx_driver_floor"] == "575.51.03", needs
EOF
expect 0 "PTX compute_121" "$tinderbox" inspect demo.run
expect 0 "PTX compute_121" sh demo.run --info

# Machines as trees of files.
machine() { # NAME PCI-ID KERNEL-DRIVER DRIVER-VERSION
    local d=$work/$1/sys/bus/pci/devices/0000:01:00.0
    mkdir -p "$d" "$work/$1/proc/sys/kernel" "$work/$1/dev" "$work/$1/usr/lib/x86_64-linux-gnu" "$work/$1/etc/apt"
    echo 0x10de >"$d/vendor"; echo "$2" >"$d/device"; echo 0x030000 >"$d/class"
    ln -s "../../../bus/pci/drivers/$3" "$d/driver"
    echo 6.1.0-18-amd64 >"$work/$1/proc/sys/kernel/osrelease"
    printf 'ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04 LTS"\n' >"$work/$1/etc/os-release"
    echo 'deb http://mirror.lab/ubuntu noble main restricted' >"$work/$1/etc/apt/sources.list"
    [ -n "$4" ] || return 0
    mkdir -p "$work/$1/proc/driver/nvidia"
    echo "NVRM version: NVIDIA UNIX x86_64 Kernel Module  $4  Thu Feb 22 01:44:30 UTC 2024" >"$work/$1/proc/driver/nvidia/version"
    touch "$work/$1/dev/nvidiactl" "$work/$1/dev/nvidia0" "$work/$1/dev/nvidia-uvm" "$work/$1/usr/lib/x86_64-linux-gnu/libcuda.so.$4"
    ln -s "libcuda.so.$4" "$work/$1/usr/lib/x86_64-linux-gnu/libcuda.so.1"
}
machine good 0x1eb8 nvidia 550.54.14
machine old 0x1eb8 nvidia 470.42.01
machine laptop 0x2204 nouveau ""
machine kepler 0x1023 nvidia 470.42.01
doctor() { TINDERBOX_SYSROOT=$work/$1 "$tinderbox" doctor "${@:2}"; }
expect 0 "Tesla T4, compute capability 7.5 (Turing)" doctor good
expect 0 "code for it: sm_75 in libnvjpeg.so.12" doctor good demo.run
expect 3 "driver 470.42.01 is below 525.60.13" doctor old demo.run
expect 3 "apt install nvidia-driver-580" doctor old demo.run
expect 3 "linux-headers-6.1.0-18-amd64" doctor laptop
expect 3 "GeForce RTX 3090 is driven by nouveau" doctor laptop
expect 3 "the last driver branch for it is 470, and CUDA 12 needs driver 525.60.13" doctor kepler demo.run
expect 2 "no-such-file" doctor good no-such-file
TINDERBOX_SYSROOT=$work/old sh demo.run --check -p "$work/p" >log 2>&1 && fail "--check passes where doctor does not"
grep -qF "driver 470.42.01 is below 525.60.13" log || { cat log; fail "--check says something else than doctor"; }
status=0
doctor old demo.run --json >doctor.json 2>/dev/null || status=$?
[ "$status" = 3 ] || fail "doctor --json ended with $status"
python3 - doctor.json <<'EOF'
import json, sys
found = json.load(open(sys.argv[1]))
assert found["gpu"]["verdict"] == "refused", found["gpu"]
error, = [f for f in found["findings"] if f["severity"] == "error"]
assert error["id"] == "gpu-driver-too-old" and error["docs"] == "docs/inside/gpu.md#gpu-driver-too-old", error
numbers = found["gpu"]["numbers"]
assert numbers["driver"] == "470.42.01" and numbers["driver_cuda"] == "11.4" and numbers["gpus"][0]["code"] == "sm_75", numbers
EOF
