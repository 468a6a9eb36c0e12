#!/usr/bin/env bash
# The device code of real CUDA wheels: what the packer reads is what cuobjdump lists.
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
