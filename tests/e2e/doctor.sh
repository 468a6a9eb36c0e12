#!/usr/bin/env bash
# doctor also asks the driver: it gives the rows of an installer's report and the same exit codes.
. "$(dirname "$0")/report.inc"
drivers
installers lab lab-12
machine desktop
export LD_LIBRARY_PATH=$work/drivers/full FAKE_CUDA="name=NVIDIA GeForce RTX 3090,cc=8.6,memory=200000000"
doctor() { "$tinderbox" doctor "$@"; }
has() { grep -qF -- "$1" out || { cat out; fail "'$1' is not in doctor's answer"; }; }

expect 0 "the installer runs a kernel to prove it" doctor lab-12.run
expect 0 '"no_probe": "the files are another machine' doctor lab-12.run --json
expect 0 '"no_probe": "--no-probe"' doctor --no-probe --json
expect 0 "CUDA kernels run here" doctor lab.run --probe
has "CUDA kernels on NVIDIA GeForce RTX 3090, compute capability 8.6"
has "right to the bit"
has "stage 1, the driver API, was tested"
FAKE_CUDA=wrong=matmul expect 6 "verdict  the GPU does not compute: Fake GPU computed 1 of 31073 results" doctor lab.run --probe
FAKE_CUDA=hang=cuLaunchKernel expect 6 "NVIDIA's driver did not answer in cuLaunchKernel within 1 s" doctor lab.run --probe --seconds 1
FAKE_CUDA=bus=cuInit expect 6 "crashed in cuInit (SIGBUS)" doctor lab.run --probe --json
"$python" - out <<'END'
import json, sys
found = json.JSONDecoder().raw_decode(open(sys.argv[1]).read())[0]
assert found["probe"]["stage1"] == "crashed" and found["probe"]["problems"][0]["name"] == "crash", found["probe"]
assert found["verdict"].startswith("the GPU does not compute"), found["verdict"]
END
# The runtime of CUDA 12 detects that our driver is not NVIDIA's: stage 2 fails, stage 1 passes.
expect 6 "cudaGetDeviceCount failed" doctor lab-12.run --probe --json
has '"stage1": "passed"'
has '"stage2": "failed"'
# A description has the memory of a GPU where the driver was asked.
doctor --describe --probe >machine.json
grep -qF '"memory_bytes":200000000,"name":"GeForce RTX 3090"' machine.json || { cat machine.json; fail "the memory is not described"; }
"$tools/bin/python" "$root/tests/tools/check_report.py" "$root/docs/inside/machine.schema.json" machine.json || fail "not what the schema says"
doctor --describe >machine.json
! grep -qF 200000000 machine.json || fail "the driver was opened without being asked"
FAKE_CUDA=bus=cuInit expect 0 "the memory of the GPUs is not described" doctor --describe --probe
expect 2 "excludes" doctor --probe --no-probe
expect 2 "--seconds" doctor --seconds 0
