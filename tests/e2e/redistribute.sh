#!/usr/bin/env bash
# Redistribution: licences and notices, --redistributable, and bills of materials that the tools of the formats check.
. "$(dirname "$0")/commands.inc"
nvidia_demo
expect 2 "NVIDIA" "$tinderbox" build --pip nvidia-demo-cu12 --pip six==1.17.0 "${from[@]}" --redistributable -o nv.run
expect 2 "Attachment A" "$tinderbox" build --pip nvidia-demo-cu12 "${from[@]}" --redistributable --plan
[ ! -e nv.run ] || fail "a refused build left a file"
expect 0 "notice NVIDIA's CUDA libraries (nvidia-demo-cu12)" "$tinderbox" build --pip nvidia-demo-cu12 --pip six==1.17.0 "${from[@]}" -o nv.run
expect 0 "built" "$tinderbox" build --pip six==1.17.0 "${from[@]}" --redistributable -o six.run
sh nv.run --license >licenses.txt
grep -q "only to NVIDIA-demo people" licenses.txt && grep -q "==== six 1.17.0" licenses.txt && grep -q "==== python " licenses.txt ||
    fail "a licence text is missing"
"$tinderbox" inspect nv.run --json | python3 -c '
import json, sys
manifest = json.load(sys.stdin)
classes = {p["name"]: p["redistribution"] for p in manifest["packages"]}
assert classes["nvidia-demo-cu12"] == "nvidia" and classes["six"] == "free" and classes["python"] == "free", classes
assert any("NVIDIA" in notice for notice in manifest["notices"])
'

printf 'numpy==2.2.6\n' >r.txt
expect 2 "lock" "$tinderbox" sbom r.txt
SOURCE_DATE_EPOCH=1700000000 "$tinderbox" sbom nv.run >one.json
SOURCE_DATE_EPOCH=1700000000 quietly "$tinderbox" sbom nv.run -o two.json
cmp one.json two.json || fail "two bills of one file differ"
quietly "$tinderbox" lock --pip pygments==2.19.2 --pip markupsafe "${from[@]}" -o b.lock
"$tinderbox" sbom nv.run --format spdx >run.spdx.json
"$tinderbox" sbom b.lock --format spdx >lock.spdx.json
"$tinderbox" sbom b.lock --format cyclonedx >lock.cdx.json
export TINDERBOX_CACHE=$shared_cache
test_venv
for file in one.json lock.cdx.json; do quietly "$python" "$root/tests/tools/check_sbom.py" cyclonedx $file; done
for file in run.spdx.json lock.spdx.json; do quietly "$python" "$root/tests/tools/check_sbom.py" spdx $file; done
