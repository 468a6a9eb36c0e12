#!/usr/bin/env bash
# The report with a fake driver on the CPU: the GPU computes, computes wrongly, or the driver crashes.
. "$(dirname "$0")/report.inc"
drivers
installers lab-11
machine desktop
export LD_LIBRARY_PATH=$work/drivers/full FAKE_CUDA="name=NVIDIA GeForce RTX 3090,cc=8.6,devices=2,memory=200000000"

# With the runtime of CUDA 11 in this build stage 2 fails: it rejects our fake driver.
if "$tinderbox" inspect lab-11.run --json | grep -q cuda_probe_11; then verified=6; else verified=0; fi
run $verified lab-11.run -p "$work/env" --report page.html
says '"stage1": "passed"'
if [ $verified = 0 ]; then
    says '"state": "verified"'
    says '"stage2": "not_available"'
fi
says '"kernel": "matmul"'
says '"access": true'
cmp page.html env/.tinderbox/report.html
"$python" "$root/tests/tools/check_report_page.py" env/.tinderbox/report.json page.html
run $verified lab-11.run -p "$work/env" --verify-only --gpu-memory 0

export FAKE_CUDA="wrong=matmul,devices=2,device=1,memory=100000000"
run 6 lab-11.run -p "$work/env" --verify-only
says "GPU 1 (Fake GPU) computed 1 of 31073 results of the kernel 'matmul' wrong"
export FAKE_CUDA="cuInit=803"
run 6 lab-11.run -p "$work/env" --verify-only
says "kernel module and libraries differ in version: reboot"
export FAKE_CUDA="bus=cuInit"
run 6 lab-11.run -p "$work/env" --verify-only
says "NVIDIA's driver library crashed in cuInit (SIGBUS)"
run 0 lab-11.run -p "$work/env" --verify-only --no-gpu
says '"state": "failed"'
says '"summary": "works without a GPU; GPU: failed"'
