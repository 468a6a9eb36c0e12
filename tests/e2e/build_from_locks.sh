#!/usr/bin/env bash
# NAME.run from the locks of other tools: the same conda packages and wheels, named by a conda-lock.yml, a pixi.lock, an
# @EXPLICIT list with a pylock.toml and with a uv.lock that uv itself wrote. Served on loopback, installed, imported.
. "$(dirname "$0")/common.inc"
[ ${#work} -le 100 ] || skip "TMPDIR is too long"

conda_channel
links=$TINDERBOX_CACHE/test-wheels/locks
wheels "$links" six==1.17.0 colorama==0.4.6

cd "$work"
mkdir www
cp -r "$channel/linux-64" "$channel/noarch" www/
cp "$links"/*.whl www/
serve www

"$python" - "$channel/explicit-cpython.txt" "$port" <<'PY'
import hashlib, pathlib, sys
from urllib.parse import unquote
base = f"http://127.0.0.1:{sys.argv[2]}"
conda = [line.partition("#")[0] for line in open(sys.argv[1]).read().splitlines() if line.startswith(("file:", "/"))]
conda = ["/".join(line.split("/")[-2:]) for line in conda]
wheels = sorted(p.name for p in pathlib.Path("www").glob("*.whl"))
digest = lambda path, algorithm: hashlib.new(algorithm, pathlib.Path("www", unquote(path)).read_bytes()).hexdigest()
parts = lambda file: unquote(file).removesuffix(".conda").removesuffix(".tar.bz2").rsplit("-", 2)

with open("explicit.txt", "w") as out:
    print("@EXPLICIT", *[f"{base}/{p}#{digest(p, 'md5')}" for p in conda], sep="\n", file=out)
with open("conda-lock.yml", "w") as out:
    print("version: 1\nmetadata:\n  content_hash: {linux-64: x}\n  channels: []\n  platforms: [linux-64]\n  sources: []\npackage:", file=out)
    rows = [("conda", *parts(p.split("/")[1])[:2], p) for p in conda] + [("pip", *w.split("-")[:2], w) for w in wheels]
    for manager, name, version, path in rows:
        print(f"- {{name: {name}, version: '{version}', manager: {manager}, platform: linux-64, dependencies: {{}}, url: '{base}/{path}', "
              f"hash: {{sha256: {digest(path, 'sha256')}}}, category: main, optional: false}}", file=out)
with open("pixi.lock", "w") as out:
    print(f"version: 6\nenvironments:\n  default:\n    channels:\n    - url: {base}/\n    packages:\n      linux-64:", file=out)
    for p in conda: print(f"      - conda: {base}/{p}", file=out)
    for w in wheels: print(f"      - pypi: {base}/{w}", file=out)
    print("packages:", file=out)
    for p in conda: print(f"- conda: {base}/{p}\n  sha256: {digest(p, 'sha256')}\n  md5: {digest(p, 'md5')}\n  size: {pathlib.Path('www', unquote(p)).stat().st_size}", file=out)
    for w in wheels: print(f"- pypi: {base}/{w}\n  name: {w.split('-')[0]}\n  version: {w.split('-')[1]}\n  sha256: {digest(w, 'sha256')}", file=out)
with open("pylock.toml", "w") as out:
    print('lock-version = "1.0"\ncreated-by = "test"', file=out)
    for w in wheels:
        print(f'[[packages]]\nname = "{w.split("-")[0]}"\nversion = "{w.split("-")[1]}"\n'
              f'wheels = [{{url = "{base}/{w}", hashes = {{sha256 = "{digest(w, "sha256")}"}}}}]', file=out)
PY
# uv writes its own lock.
mkdir project
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
cat >project/pyproject.toml <<END
[project]
name = "lab"
version = "1"
requires-python = ">=$version"
dependencies = ["six", "colorama"]
END
(cd project && env -u PIP_FIND_LINKS "$venv/bin/uv" lock -q --no-index --find-links "http://127.0.0.1:$port/" --python "$python") >uv.log 2>&1 ||
    { cat uv.log; fail "uv cannot lock"; }

export TINDERBOX_CACHE=$work/cache # the bytes come from the server
run() { "$tinderbox" build "$@" --base none --bytecode install >log 2>&1 || { cat log; fail "exit status $?: build $*"; }; }
packages() {
    "$tinderbox" inspect "$1" --json | "$python" -c 'import json,sys
print(*sorted((p["kind"], p["name"], p["version"], p["sha256"]) for p in json.load(sys.stdin)["packages"] if p["kind"] in ("wheel", "conda")), sep="\n")'
}
# What is known before anything is downloaded, whatever says what to take: sizes that no lock has are asked for.
plan() { TINDERBOX_CACHE=$work/empty "$tinderbox" build "$@" --base none --plan; }
for specs in pixi.lock conda-lock.yml "explicit.txt pylock.toml" "explicit.txt project/uv.lock"; do
    # shellcheck disable=SC2086 # words
    plan $specs --json >plan.json 2>log || { cat log; fail "--plan: $specs"; }
    "$python" - "$specs" <<'PY' || fail "the plan of $specs"
import json, pathlib, sys
from urllib.parse import unquote
plan = json.load(open("plan.json"))
sizes = {p.name: p.stat().st_size for p in pathlib.Path("www").rglob("*") if p.is_file()}
assert len(plan["packages"]) >= 10
for p in plan["packages"]:
    assert p["size"] == sizes[unquote(p["url"].rsplit("/", 1)[1])], p
    assert p["why"] and p["installed_size"] > 0 and p["installed_size_source"] in ("measured", "directory", "estimated"), p
assert plan["download"] == {"bytes": sum(p["size"] for p in plan["packages"]), "cached": 0, "without_size": 0}, plan["download"]
assert plan["installed"]["bytes"] == sum(p["installed_size"] for p in plan["packages"]) and "driver_floor" in plan and "cuda_major" in plan
assert all(a["size"] for a in plan["lock"]["artifacts"])
PY
done
plan conda-lock.yml --offline >plan.txt 2>log || { cat log; fail "--plan --offline"; }
grep -q 'download  at least 0 B, 13 of unknown size not counted' plan.txt && grep -q '^python .* unknown ' plan.txt || { cat plan.txt; fail "sizes that nobody tells"; }
plan pixi.lock --offline >plan.txt 2>log || { cat log; fail "--plan --offline"; }
grep -q 'download  at least .* MB, 2 of unknown size not counted' plan.txt && ! grep -q '^python .* unknown ' plan.txt || { cat plan.txt; fail "the sizes of a pixi.lock"; }

run pixi.lock -o pixi.run
packages pixi.run >wanted
grep -q six wanted && grep -q colorama wanted && grep -q python wanted || { cat wanted; fail "a package is missing"; }
run conda-lock.yml -o conda-lock.run
run explicit.txt pylock.toml -o pylock.run
run explicit.txt project/uv.lock -o uv.run
for name in conda-lock pylock uv; do
    packages $name.run | diff wanted - || fail "$name.run has other packages than pixi.run"
done
# The lock of a lock needs neither of them.
"$tinderbox" lock explicit.txt project/uv.lock --base none -o ours.lock 2>/dev/null
unserve
run ours.lock -o ours.run --offline
packages ours.run | diff wanted - || fail "ours.run has other packages"

sh pixi.run -b -p "$work/env" >log 2>&1 || { cat log; fail "installing failed"; }
env -i HOME="$HOME" "$work/env/bin/python" -c 'import six, colorama; print(six.__version__)' | grep -qx 1.17.0 || fail "six cannot be imported"

# A hash that is not the file's, and a package for another machine.
sed 's/\(sha256: \)[0-9a-f]\{8\}/\100000000/' pixi.lock >wrong.lock
serve www "$port"
expect 8 "SHA-256" env TINDERBOX_CACHE="$work/cache2" "$tinderbox" build wrong.lock -o w.run --base none
expect 2 "it has packages for linux-64, not for linux-aarch64" "$tinderbox" build pixi.lock -o w.run --base none --platform linux-aarch64
