#!/usr/bin/env bash
# The device code of real CUDA wheels: what the packer reads is what cuobjdump lists.
. "$(dirname "$0")/gpu.inc"
python3 "$root/tests/tools/compare_with_cuobjdump.py" --list-fatbins "$list" --cuobjdump "$cuobjdump" "$links"/nvidia_nvjpeg*.whl

# A library with device code through all stages: manifest, plan, target, doctor, --info.
cd "$work"
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
