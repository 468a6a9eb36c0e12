#!/usr/bin/env bash
# The report of whole runs on machines that are not this one: a tree of /proc, /sys and /dev, and a driver of ours that
# computes on the CPU. The JSON is validated against the published schema by jsonschema, the page holds what the JSON
# holds, and a check on a machine without a driver is quick.
. "$(dirname "$0")/common.inc"
python=$(find_python) || skip "no Python 3.10 to 3.13 with pip"
tools=$("$root/scripts/test-venv") || exit $?
command -v "${CC:-cc}" >/dev/null || skip "a C compiler is needed for the driver"
links=$TINDERBOX_CACHE/test-wheels/report
wheels "$links" six==1.17.0 nvidia-cuda-runtime-cu11==11.8.89 nvidia-cuda-runtime-cu12==12.9.79
make() { "$tinderbox" build "$@" --pip six --python-from "$python" --no-index --find-links "$links" --level fast; }
make --pip nvidia-cuda-runtime-cu11==11.8.89 -o "$work/lab-11.run"
make --pip nvidia-cuda-runtime-cu12==12.9.79 -o "$work/lab-12.run"
make -o "$work/lab.run"

machine() { # NAME: its tree becomes the machine of what follows
    export TINDERBOX_SYSROOT=$work/machines/$1
    [ -d "$TINDERBOX_SYSROOT" ] || "$python" "$root/tests/tools/expand_machine.py" "$root/tests/fixtures/machines/$1.machine" "$TINDERBOX_SYSROOT" >/dev/null
}
# run STATUS RUN ARGUMENT…: the report goes to $work/report.json, and must be what the schema says.
run() {
    local status=0 wanted=$1 file=$2
    shift 2
    sh "$work/$file" -b --json "$@" >"$work/report.json" 2>"$work/err" || status=$?
    [ "$status" = "$wanted" ] || { cat "$work/err" "$work/report.json"; fail "$file $*: exit $status instead of $wanted"; }
    "$tools/bin/python" - "$root/docs/report.schema.json" "$work/report.json" <<'END' || fail "$file $*: the report is not what the schema says"
import json, sys
import jsonschema
schema, report = (json.load(open(p)) for p in sys.argv[1:])
jsonschema.Draft202012Validator.check_schema(schema)

def closed(node):  # what the schema does not name would be undocumented
    if isinstance(node, dict):
        if "properties" in node:
            node.setdefault("additionalProperties", False)
        for value in node.values():
            closed(value)
    elif isinstance(node, list):
        for value in node:
            closed(value)

closed(schema)
errors = list(jsonschema.Draft202012Validator(schema).iter_errors(report))
for e in errors:
    print("/".join(map(str, e.path)), e.message[:300])
sys.exit(bool(errors))
END
}
says() { # TEXT: somewhere in the report
    grep -qF -- "$1" "$work/report.json" || { cat "$work/report.json"; fail "'$1' is not in the report"; }
}

echo "== checks on other machines"
for name in "$root"/tests/fixtures/machines/*.machine; do
    name=$(basename "$name" .machine)
    machine "$name"
    status=0
    sh "$work/lab-12.run" --check --json >"$work/report.json" 2>/dev/null || status=$?
    "$tools/bin/python" -c '
import json, sys
report = json.load(open(sys.argv[1]))
assert report["exit_code"] == int(sys.argv[2]) and report["exit_code"] in (0, 3), report["exit_code"]
assert report["preflight"]["gpu"]["verdict"] in ("usable", "refused", "not verified")
' "$work/report.json" "$status" || fail "$name: exit $status"
done
machine laptop-nouveau
run 3 lab-12.run --check --report "$work/check.html"
grep -qF "is driven by nouveau" "$work/check.html" && grep -qF "gpu-nouveau" "$work/check.html" || fail "the page of --check lacks the finding"
says "is driven by nouveau, which has no CUDA"

echo "== the probes inside a .run are small"
for file in lab.run lab-11.run lab-12.run; do
    "$tinderbox" inspect "$work/$file" --json >"$work/manifest.json"
    "$python" - "$work/manifest.json" "$file" <<'END'
import json, sys
manifest = json.load(open(sys.argv[1]))
sizes = {s["name"]: s["size"] for s in manifest["sections"] if s["name"].startswith("probe:")}
assert sizes and sorted(sizes) == sorted("probe:" + p for p in manifest["probes"]), (sizes, manifest["probes"])
assert sum(sizes.values()) <= 1_200_000, sizes
print(f"ok       {sys.argv[2]}: {sizes}")
END
done

echo "== a check is quick, without a driver and where one has to be asked"
# quick MS RUN: the best of several, because other work on this machine is not what is measured; three times the figure
# of docs/performance.md fails.
quick() {
    local best a b
    best=$(for _ in 1 2 3 4 5 6 7; do
        a=$(date +%s%N); sh "$work/$2" --check >/dev/null 2>&1 || true; b=$(date +%s%N); echo $(((b - a) / 1000000))
    done | sort -n | head -n 1)
    echo "ok       $2 on $(basename "$TINDERBOX_SYSROOT"): $best ms"
    [ -n "$sanitized" ] || [ "$best" -le $(($1 * 3)) ] || fail "--check took $best ms, three times $1 ms and more"
}
sanitized=$(grep '^TINDERBOX_SANITIZE:STRING=.' "$build/CMakeCache.txt" || true)
machine virtual-machine
quick 100 lab.run
quick 100 lab-12.run
# cuda-compat: the driver is below the floor, so a child opens libcuda and asks.
bash "$root/tests/fake_driver/build.sh" "$work/drivers"
machine server-compat
LD_LIBRARY_PATH=$work/drivers/full FAKE_CUDA=driver=12020 quick 1500 lab-12.run
LD_LIBRARY_PATH=$work/drivers/full FAKE_CUDA=driver=12020 expect 0 "libcuda answers with CUDA 12.2" sh "$work/lab-12.run" --check
LD_LIBRARY_PATH=$work/drivers/full FAKE_CUDA=driver=11040 expect 3 "is below 525.60.13" sh "$work/lab-12.run" --check

echo "== an installation whose GPU computes"
machine desktop
export LD_LIBRARY_PATH=$work/drivers/full FAKE_CUDA="name=NVIDIA GeForce RTX 3090,cc=8.6,devices=2,memory=200000000"
"$tinderbox" inspect "$work/lab-11.run" --json >"$work/manifest.json"
if grep -q cuda_probe_11 "$work/manifest.json"; then
    # The runtime of CUDA 11 is in this build, and no driver of ours gets past it.
    run 6 lab-11.run -p "$work/env" --report "$work/page.html"
    says '"stage1": "passed"'
else
    run 0 lab-11.run -p "$work/env" --report "$work/page.html"
    says '"state": "verified"'
    says '"stage2": "not_available"'
    says "stage 2 is not available for CUDA 11, whose runtime is not carried here; stage 1, the driver API, was tested"
fi
says '"kernel": "matmul"'
says '"access": true'
cmp "$work/page.html" "$work/env/.tinderbox/report.html"
"$python" - "$work" <<'END'
import html, json, re, sys
work = sys.argv[1]
report = json.load(open(f"{work}/env/.tinderbox/report.json"))
page = open(f"{work}/page.html", encoding="utf-8").read()
text = html.unescape(re.sub(r"<[^>]+>", "", page))
for needed in [report["summary"], report["prefix"], report["installer"]["manifest_sha256"], report["activate"], report["created"],
               report["preflight"]["gpu"]["driver"], "matmul", "memory, ", "Between GPUs", "host to device"]:
    assert needed in text, needed
for p in report["packages"]:
    assert p["name"] in text and p["version"] in text and (p["sha256"] in text), p
for f in report["preflight"]["findings"]:
    assert f["id"] in text and f["sentence"] in text, f
for s in report["installation"]["stages"]:
    assert s["name"] in text, s
assert not re.search(r"<script|https?:|src=|@import|url\(", page), "the page refers to something elsewhere"
assert "@media print" in page and "prefers-color-scheme: dark" in page
END
run "$([ "$(grep -c '"verified"' "$work/report.json")" = 0 ] && echo 6 || echo 0)" lab-11.run -p "$work/env" --verify-only --gpu-memory 0

echo "== an installation whose GPU computes wrongly"
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

echo "== doctor asks the driver, too: the same rows, the same exit code"
export FAKE_CUDA="name=NVIDIA GeForce RTX 3090,cc=8.6,memory=200000000"
expect 0 "the installer runs a kernel to prove it" "$tinderbox" doctor "$work/lab-12.run"
expect 0 '"no_probe": "the files are another machine' "$tinderbox" doctor "$work/lab-12.run" --json
expect 0 '"no_probe": "--no-probe"' "$tinderbox" doctor --no-probe --json
expect 0 "CUDA kernels run here" "$tinderbox" doctor "$work/lab.run" --probe
grep -qF "CUDA kernels on NVIDIA GeForce RTX 3090, compute capability 8.6" "$work/out" && grep -qF "right to the bit" "$work/out" ||
    { cat "$work/out"; fail "doctor shows no kernels"; }
grep -qF "stage 1, the driver API, was tested" "$work/out" || { cat "$work/out"; fail "doctor does not say which stage it tested"; }
FAKE_CUDA=wrong=matmul expect 6 "verdict  the GPU does not compute: Fake GPU computed 1 of 31073 results" "$tinderbox" doctor "$work/lab.run" --probe
FAKE_CUDA=hang=cuLaunchKernel expect 6 "NVIDIA's driver did not answer in cuLaunchKernel within 1 s" "$tinderbox" doctor "$work/lab.run" --probe --seconds 1
FAKE_CUDA=bus=cuInit expect 6 "crashed in cuInit (SIGBUS)" "$tinderbox" doctor "$work/lab.run" --probe --json
"$python" - "$work/out" <<'END'
import json, sys
found = json.JSONDecoder().raw_decode(open(sys.argv[1]).read())[0]
assert found["probe"]["stage1"] == "crashed" and found["probe"]["problems"][0]["name"] == "crash", found["probe"]
assert found["verdict"].startswith("the GPU does not compute"), found["verdict"]
END
# The runtime of CUDA 12 is not deceived by a driver that is not NVIDIA's: stage 2 says so, stage 1 has passed.
expect 6 "cudaGetDeviceCount failed" "$tinderbox" doctor "$work/lab-12.run" --probe --json
grep -qF '"stage1": "passed"' "$work/out" && grep -qF '"stage2": "failed"' "$work/out" || { cat "$work/out"; fail "the stages of doctor lab-12.run"; }
expect 2 "excludes" "$tinderbox" doctor --probe --no-probe
expect 2 "--seconds" "$tinderbox" doctor --seconds 0
unset LD_LIBRARY_PATH FAKE_CUDA

echo "== the driver's library is a text"
machine libcuda-is-a-text
status=0
sh "$work/lab-12.run" --check --json >"$work/report.json" 2>/dev/null || status=$?
says '"libcuda_defect": "it is a text"'
echo "report: valid against the schema; every machine answered"
