#!/usr/bin/env bash
# --plan for people and for programs; diff of locks, installers and requests.
. "$(dirname "$0")/commands.inc"
mkdir nv
printf 'numpy==2.2.6\npygments\n' >r.txt
"$tinderbox" build r.txt "${from[@]}" --plan >plan.txt 2>log || { cat log; fail "--plan"; }
grep -q '^PACKAGE  *VERSION  *FROM  *SIZE  *INSTALLED  *WHY$' plan.txt || { cat plan.txt; fail "no table"; }
grep -q '^numpy  *2.2.6 .*asked for: numpy==2.2.6$' plan.txt && grep -q '  installed  about ' plan.txt || { cat plan.txt; fail "the plan lacks something"; }
grep -q "$(printf '\033')" plan.txt && fail "colour in a file"
"$tinderbox" build r.txt "${from[@]}" --plan --json >plan.json 2>log
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
json.dump([plan["glibc"], sorted(plan["libraries"])], open("planned.json", "w"))
END
[ ! -e lab.run ] || fail "--plan built something"

quietly "$tinderbox" build --pip six==1.17.0 "${from[@]}" -o six.run
# The plan promises what the build finds: the captured Python's glibc and the libraries of the system that it loads.
"$tinderbox" inspect six.run --json | "$python" -c '
import json, sys
needs = json.load(sys.stdin)["requires"]
glibc, libraries = json.load(open("planned.json"))
version = lambda text: [int(part) for part in text.split(".")]
assert max(version(needs["glibc"]), [2, 28]) == version(glibc), (needs["glibc"], glibc)
assert sorted(needs["libraries"]) == libraries, (needs["libraries"], libraries)
' || fail "the plan and the build disagree"
quietly "$tinderbox" lock --pip six==1.17.0 "${from[@]}" -o a.lock
quietly "$tinderbox" lock --pip pygments==2.19.2 --pip markupsafe "${from[@]}" -o b.lock
printf 'my-env\n3.12\nnone\nnone\npip:six>=1.16\n' | quietly "$tinderbox" new -o cpu.yml
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
