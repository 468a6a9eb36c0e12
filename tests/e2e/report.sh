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

echo "== a check without a driver is quick"
machine virtual-machine
best=$(for _ in 1 2 3 4 5; do
    a=$(date +%s%N); sh "$work/lab.run" --check >/dev/null 2>&1; b=$(date +%s%N); echo $(((b - a) / 1000000))
done | sort -n | head -n 1)
inside=$(sh "$work/lab.run" --check --json 2>/dev/null | "$python" -c 'import json, sys; print(round(json.load(sys.stdin)["preflight"]["seconds"] * 1000))')
echo "ok       $best ms from the command to its end, $inside ms of them preflight"

echo "== an installation whose GPU computes"
bash "$root/tests/fake_driver/build.sh" "$work/drivers"
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
    says "carries no test with the CUDA 11 runtime"
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
unset LD_LIBRARY_PATH FAKE_CUDA

echo "== the driver's library is a text"
machine libcuda-is-a-text
status=0
sh "$work/lab-12.run" --check --json >"$work/report.json" 2>/dev/null || status=$?
says '"libcuda_defect": "it is a text"'
echo "report: valid against the schema; every machine answered"
