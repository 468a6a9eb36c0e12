#!/usr/bin/env bash
# The framework checks with a real package, without a GPU: their steps and sentences. --verify-only repeats them, and
# they write no file. unit_verify tests their failures; full/frameworks.sh tests the large frameworks.
. "$(dirname "$0")/common.inc"
python=$(find_python) || skip "no Python 3.10 to 3.13 with pip"
links=$TINDERBOX_CACHE/test-wheels/numba-$("$python" -c 'import sys; print("%d%d" % sys.version_info[:2])')
wheels "$links" numba==0.62.1 llvmlite==0.45.1 numpy==2.2.6

"$tinderbox" build --pip numba==0.62.1 --python-from "$python" --no-index --find-links "$links" --level fast -o "$work/fw.run"
sh "$work/fw.run" -b -p "$work/env" --json >"$work/install.json"
# A package of the same name in the user's shell: the report names it and the variable that brings it.
mkdir -p "$work/shadow/numba"
echo 'raise ImportError("the wrong numba")' >"$work/shadow/numba/__init__.py"
status=0
PYTHONPATH=$work/shadow "$work/env/.tinderbox/stub" --verify-only --json >"$work/again.json" || status=$?
[ "$status" = 10 ] || fail "a shadowed numba gave exit $status"

"$python" - "$work" <<'END'
import json, sys
work = sys.argv[1]

def checks(name):
    return {(c["name"], c["environment"]): c for c in json.load(open(f"{work}/{name}"))["verification"]["checks"]}

for name in ("install.json", "again.json"):
    numba = checks(name)["numba", "clean"]
    print(numba["sentence"])
    assert numba["ok"], numba
    assert [s["name"] for s in numba["steps"]] == ["import numba", "a function compiled for the CPU", "numba.cuda.is_available()"]
    assert all(s["ok"] and s["seconds"] >= 0 for s in numba["steps"]) and "device" not in numba
    # numba finds NVVM when this machine has a toolkit; then its sentence is about the missing driver.
    assert any(f"numba.cuda.is_available() is False{why}" in numba["sentence"]
               for why in ("; the environment has no NVVM", " (CUDA driver library cannot be found.")), numba
shadowed = checks("again.json")["numba", "user"]
assert not shadowed["ok"] and "the wrong numba" in shadowed["sentence"], shadowed
assert shadowed["advice"] == f"unset PYTHONPATH (it is '{work}/shadow')", shadowed
assert ("numba", "user") not in checks("install.json")
END
# The checks wrote no file into the environment, not even bytecode or a compiler's cache.
find "$work/env" -newer "$work/install.json" -type f | grep -v '/\.tinderbox/' && fail "the checks wrote into the environment"
echo "frameworks: numba, in a clean environment and in the user's"
