#!/usr/bin/env bash
# new, --plan, --redistributable, diff, sbom, cache: what they print, as a person and as a program reads it.
. "$(dirname "$0")/common.inc"
small_wheels
cd "$work"
export TINDERBOX_CACHE=$work/cache
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE
common=(--no-index --find-links "$links")

# ---- new: a terminal is not needed, and nothing is overwritten
"$tinderbox" new </dev/null >out 2>&1 || { cat out; fail "new without answers"; }
grep -q 'cuda-version=12 ' environment.yml || { cat environment.yml; fail "no CUDA in environment.yml"; }
"$tinderbox" inspect environment.yml --json | python3 -c '
import json, sys
request = json.load(sys.stdin)
assert request["name"] == "lab" and "conda-forge" in request["channels"], request
assert {"python", "cuda-version", "pytorch-gpu", "numpy"} <= {c["name"] for c in request["conda"]}, request
'
cp environment.yml before.yml
expect 2 "not overwritten" "$tinderbox" new
cmp environment.yml before.yml || fail "new changed a file that was there"
printf 'my-env\n3.12\nnone\nnone\nrich pip:six>=1.16\n' | "$tinderbox" new -o cpu.yml >out 2>&1 || { cat out; fail "new with answers"; }
grep -q 'six>=1.16' cpu.yml && ! grep -q cuda cpu.yml || { cat cpu.yml; fail "the answers are not in the file"; }
printf 'lab\n2.7\n' >answers
expect 2 "answer 2" "$tinderbox" new -o x.yml <answers
[ ! -e x.yml ] || fail "a wrong answer left a file"
command -v script >/dev/null && { # on a terminal a wrong answer is asked again
    printf 'lab\nnine\n3.11\nnone\nnone\n\n' | timeout 60 script -qec "$tinderbox new -o tty.yml" /dev/null >out 2>&1 || { cat out; fail "new on a terminal"; }
    grep -q 'Python version \[3.11\]' out && grep -q 'write a version' out && [ -e tty.yml ] || { cat out; fail "a wrong answer is not asked again"; }
}

# ---- plan
printf 'numpy==2.2.6\npygments\n' >r.txt
"$tinderbox" build r.txt --python-from "$python" "${common[@]}" --plan >plan.txt 2>log || { cat log; fail "--plan"; }
grep -q '^PACKAGE  *VERSION  *FROM  *SIZE  *INSTALLED  *WHY$' plan.txt || { cat plan.txt; fail "no table"; }
grep -q '^numpy  *2.2.6 .*asked for: numpy==2.2.6$' plan.txt && grep -q '  installed  about ' plan.txt || { cat plan.txt; fail "the plan lacks something"; }
grep -q "$(printf '\033')" plan.txt && fail "colour in a file"
"$tinderbox" build r.txt --python-from "$python" "${common[@]}" --plan --json >plan.json 2>log
python3 - plan.json "$links" <<'END'
import json, pathlib, sys, zipfile
plan = json.load(open(sys.argv[1]))
rows = {row["name"]: row for row in plan["packages"]}
assert set(rows) == {"python", "numpy", "pygments"}, rows
numpy = next(pathlib.Path(sys.argv[2]).glob("numpy-*.whl"))
assert rows["numpy"]["size"] == numpy.stat().st_size
unpacked = sum(i.file_size for i in zipfile.ZipFile(numpy).infolist())
assert rows["numpy"]["installed_size_source"] == "measured" and unpacked < rows["numpy"]["installed_size"] < 1.5 * unpacked
assert plan["driver_floor"] == "" and plan["restrictions"] == [] and plan["lock"]["tinderbox_lock"] == 1
END
[ ! -e lab.run ] || fail "--plan built something"

# ---- what may be handed on
mkdir nv
"$python" - nv <<'END'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1] + "/nvidia_demo_cu12-1.0-py3-none-any.whl", "w") as z:
    info = "nvidia_demo_cu12-1.0.dist-info/"
    z.writestr("nvidia_demo.py", "")
    z.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: nvidia-demo-cu12\nVersion: 1.0\nLicense: NVIDIA Proprietary Software\nLicense-File: License.txt\n")
    z.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    z.writestr(info + "License.txt", "You may hand this on only to NVIDIA-demo people.\n")
    z.writestr(info + "RECORD", "nvidia_demo.py,,\n" + "".join(f"{info}{n},,\n" for n in ("METADATA", "WHEEL", "License.txt", "RECORD")))
END
from=(--python-from "$python" --no-index --find-links nv --find-links "$links" --level fast)
expect 2 "NVIDIA" "$tinderbox" build --pip nvidia-demo-cu12 --pip six==1.17.0 "${from[@]}" --redistributable -o nv.run
expect 2 "Attachment A" "$tinderbox" build --pip nvidia-demo-cu12 "${from[@]}" --redistributable --plan
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

# ---- diff
"$tinderbox" lock --pip six==1.17.0 "${from[@]}" -o a.lock >log 2>&1
"$tinderbox" lock --pip pygments==2.19.2 --pip markupsafe "${from[@]}" -o b.lock >log 2>&1
expect 0 "2 added, 1 removed, 0 changed, 1 the same" "$tinderbox" diff a.lock b.lock
expect 1 "removed" "$tinderbox" diff a.lock b.lock --exit-code
expect 0 "0 added, 0 removed, 0 changed" "$tinderbox" diff a.lock a.lock --exit-code
expect 0 "0 added, 0 removed, 0 changed, 2 the same" "$tinderbox" diff a.lock six.run --exit-code
expect 0 "six" "$tinderbox" diff cpu.yml r.txt
expect 2 "no-such-file" "$tinderbox" diff a.lock no-such-file
"$tinderbox" diff a.lock b.lock --json | python3 -c '
import json, sys
d = json.load(sys.stdin)
assert [p["name"] for p in d["added"]] == ["markupsafe", "pygments"] and [p["name"] for p in d["removed"]] == ["six"], d
'

# ---- bills of materials, checked by the formats own tools
expect 2 "lock" "$tinderbox" sbom r.txt
SOURCE_DATE_EPOCH=1700000000 "$tinderbox" sbom nv.run >one.json
SOURCE_DATE_EPOCH=1700000000 "$tinderbox" sbom nv.run -o two.json 2>log
cmp one.json two.json || fail "two bills of one file differ"
"$tinderbox" sbom nv.run --format spdx >run.spdx.json
"$tinderbox" sbom b.lock --format spdx >lock.spdx.json
"$tinderbox" sbom b.lock --format cyclonedx >lock.cdx.json
if venv=$(env -u TINDERBOX_CACHE HOME="$(getent passwd "$(id -u)" | cut -d: -f6)" "$root/scripts/test-venv" 2>log); then
    for file in one.json lock.cdx.json; do "$venv/bin/python" "$root/tests/tools/check_sbom.py" cyclonedx $file >out || { cat out; fail "$file is no CycloneDX"; }; done
    for file in run.spdx.json lock.spdx.json; do "$venv/bin/python" "$root/tests/tools/check_sbom.py" spdx $file >out || { cat out; fail "$file is no SPDX"; }; done
    checked="valid by the official schema and spdx-tools"
else
    checked="not validated: $(tail -n 1 log)"
fi

# ---- cache
"$tinderbox" cache info --json | python3 -c '
import json, sys
info = json.load(sys.stdin)
assert info["parts"]["parcels"]["bytes"] > 0 and info["bytes"] == sum(p["bytes"] for p in info["parts"].values()), info
'
touch cache/not-ours
expect 0 "removed" "$tinderbox" cache clean parcels
[ ! -e cache/parcels ] && [ -e cache/artifacts ] || fail "cache clean PART removed something else"
"$tinderbox" cache clean --json >out && [ -e cache/not-ours ] && [ ! -e cache/artifacts ] || fail "cache clean"
expect 2 "everything not in" "$tinderbox" cache clean everything
echo "commands: new, plan, redistributable, diff, sbom ($checked), cache"
