#!/usr/bin/env bash
# Requirements with mistakes in a wheel's metadata: the same answer by path, by pin and by name.
. "$(dirname "$0")/common.inc"
small_wheels
cd "$work"
mkdir w
cp "$links"/six-*.whl w/
wheel() { # NAME REQUIREMENT
    python3 - "$@" <<'PY'
import sys, zipfile
name, requirement = sys.argv[1:]
files = {f"{name}.py": "", f"{name}-1.0.dist-info/METADATA":
         f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: {requirement}\n\n",
         f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
record = f"{name}-1.0.dist-info/RECORD"
files[record] = "".join(f"{path},,\n" for path in [*files, record])
with zipfile.ZipFile(f"w/{name}-1.0-py3-none-any.whl", "w") as z:
    for path, text in files.items():
        z.writestr(path, text)
PY
}
wheel comma 'six (>=1.10<2.0)'
wheel blank 'six >=1.10 <2.0'
lock() { "$tinderbox" lock --pip-only --python-from "$python" --no-index --find-links w -o out.lock "$@"; }
for request in ./w/comma-1.0-py3-none-any.whl comma==1.0 comma; do
    rm -f out.lock
    expect 0 "'six (>=1.10<2.0)' is read as 'six (>=1.10,<2.0)'" lock --pip "$request"
    grep -q '"name": "six"' out.lock || fail "$request: six is not in the lock"
done
expect 2 "'six >=1.10 <2.0'" lock --pip ./w/blank-1.0-py3-none-any.whl
for request in blank==1.0 blank; do
    expect 9 "'six >=1.10 <2.0'" lock --pip "$request"
done
