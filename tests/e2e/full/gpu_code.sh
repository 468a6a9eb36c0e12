#!/usr/bin/env bash
# The device code of the large CUDA libraries of CUDA 11.7 to 13: the packer and cuobjdump must list the same. Some 6 GB
# of wheels, one at a time. Code for sm_35 and sm_37 needs the cuobjdump of CUDA 11.8 (Debian's non-free package
# nvidia-cuda-toolkit); CUOBJDUMP_11 names it.
. "$(dirname "$0")/../common.inc"
python=$(find_python) || skip "no Python 3.10 to 3.13 with pip"
[ "$(uname -m)" = x86_64 ] || skip "cuobjdump and the wheels are for x86-64"
list=$build/list_fatbins
cd "$work"
get() { env -u PIP_FIND_LINKS "$python" -m pip download -q --no-deps --only-binary :all: --python-version 3.11 -d "$1" "$2" >pip.log 2>&1; }
get tools nvidia-cuda-cuobjdump==13.4.92 || skip "the package index does not give cuobjdump: $(tail -n 1 pip.log)"
"$python" -m zipfile -e tools/*.whl unpacked
chmod +x unpacked/nvidia/cu13/bin/cuobjdump
status=0 compared=0
for wheel in nvidia-nvjpeg-cu11 nvidia-cufft-cu11 nvidia-cublas-cu11 nvidia-nccl-cu12 nvidia-curand-cu12 nvidia-cublas-cu12 \
    nvidia-cudnn-cu12 nvidia-cusparselt-cu12 nvidia-nvshmem-cu12 nvidia-cublas cupy-cuda12x bitsandbytes jax-cuda12-plugin \
    torchvision torch==1.13.1 torch==2.0.1 torch==2.4.1 torch==2.6.0 torch==2.8.0 torch; do
    get wheel "$wheel" || { echo "not to be had: $wheel: $(tail -n 1 pip.log)"; continue; }
    result=0
    nice python3 "$root/tests/tools/compare_with_cuobjdump.py" --list-fatbins "$list" \
        --cuobjdump unpacked/nvidia/cu13/bin/cuobjdump ${CUOBJDUMP_11:+--cuobjdump "$CUOBJDUMP_11"} wheel/*.whl || result=$?
    case $result in 0) compared=$((compared + 1)) ;; 77) ;; *) status=1 ;; esac
    rm -rf wheel
done
[ "$compared" -gt 0 ] || skip "no wheel could be had"
exit $status
