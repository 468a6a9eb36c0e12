#!/usr/bin/env bash
# doctor on machines as trees of files, alone and with an installer that has device code: as --check says it.
. "$(dirname "$0")/gpu.inc"
cd "$work"
quietly build -o demo.run

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
