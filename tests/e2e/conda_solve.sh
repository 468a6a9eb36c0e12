#!/usr/bin/env bash
# The conda solve against py-rattler's solver on real channel indexes, and the answers that are known by heart.
. "$(dirname "$0")/common.inc"

test_venv
data=${TINDERBOX_TESTDATA:-$root/../shared/testdata}/repodata
[ -d "$data" ] || skip "no $data (TINDERBOX_TESTDATA)"
export TINDERBOX_CACHE=$work/cache
"$venv/bin/python" - "$data" "$work" <<'EOF'
import json, pathlib, sys, zstandard
data, work = map(pathlib.Path, sys.argv[1:])
def load(name):
    raw = (data / name).read_bytes()
    return json.loads(zstandard.ZstdDecompressor().decompressobj().decompress(raw) if name.endswith(".zst") else raw)
def write(channel, subdir, root):
    (work / channel / subdir).mkdir(parents=True, exist_ok=True)
    (work / channel / subdir / "repodata.json").write_text(json.dumps(root))
for name, channel in (("conda-tests-index2-2017.bare.json.zst", "c2017"), ("conda-tests-index4-2018.bare.json.zst", "c2018")):
    write(channel, "linux-64", {"info": {"subdir": "linux-64"}, "packages": load(name)})
    write(channel, "noarch", {"info": {"subdir": "noarch"}, "packages": {}})
write("pytorch", "linux-64", load("pytorch-linux-64-2023.json.zst"))
write("sudoku", "noarch", load("jjhelmus-sudoku-noarch.json.zst"))
EOF
compare() {
    "$venv/bin/python" "$root/tests/tools/compare_conda_solve.py" "$tinderbox" "$@" --show 3 >"$work/compare.json" 2>&1 || { cat "$work/compare.json"; fail "compare $*"; }
    # Where several answers are as good as each other the two may differ; never in whether there is one.
    "$venv/bin/python" - "$work/compare.json" "$*" <<'EOF' || fail "too many differences: $*"
import json, sys
d = json.load(open(sys.argv[1]))
print(sys.argv[2].split("/")[-1], d["counts"])
sys.exit("sudoku" not in sys.argv[2] and d["counts"].get("same", 0) < 0.93 * d["sets"])
EOF
}
compare "$work/c2018" --random 40 --seed 11
compare "$work/c2017" --random 30 --seed 12
compare "$work/pytorch" "$work/c2018" --random 30 --seed 13 --virtual __cuda=11.8
compare "$work/c2018" "$work/c2017" --random 25 --seed 14 --priority disabled
compare "$work/c2018" "$work/c2017" --random 25 --seed 15 --priority flexible

# 81 packages that exclude each other, told what cannot be.
mkdir -p "$work/sudoku/linux-64" && echo '{"packages":{}}' >"$work/sudoku/linux-64/repodata.json"
"$venv/bin/python" - >"$work/sudoku.specs" <<'EOF'
every = [f"sudoku_{r}_{c}" for r in range(9) for c in range(9)]
print("sudoku_0_0==1 ; sudoku_0_1==1")
print(" ; ".join([f"{n}=={1 + i % 8}" for i, n in enumerate(every[:9])]))
EOF
compare "$work/sudoku" --specs "$work/sudoku.specs"

# What an answer that does not exist looks like.
refused() { expect 9 "$1" "$tinderbox" build --plan --name x --base none --channel "$work/c2018" "${@:2}"; }
refused "asks for scipy<0.1, and there is 1.1.0, 1.0.1, 1.0.0 and 0.19.1" --conda 'scipy<0.1'
refused "did you mean numpy?" --conda numpyy
refused "asks for python=3.6" --conda python=3.6 --conda 'python=2.7'
refused "requires python" --conda python=3.7 --conda functools32
expect 2 "strict, flexible or disabled" "$tinderbox" build --plan --name x --channel "$work/c2018" --conda numpy --channel-priority often --base none
expect 2 "write __NAME=VERSION" "$tinderbox" build --plan --name x --channel "$work/c2018" --conda numpy --virtual cuda=11 --base none

# A GPU is the target's: asked for, it is there, on a machine without one.
"$tinderbox" build --plan --json --name x --base none --channel "$work/pytorch" --channel "$work/c2018" --conda python=3.6 --cuda 11.3 --conda cudatoolkit >"$work/gpu.json" 2>"$work/err" || true
"$venv/bin/python" - <<EOF
import json, os
if os.path.getsize("$work/gpu.json"):
    assert json.load(open("$work/gpu.json"))["lock"]["virtual"]["__cuda"] == "11.3"
EOF
# The default base goes with what conda solves, not with what says exactly what it wants.
"$tinderbox" build --plan --json --name x --channel "$work/c2018" --conda zlib | grep -q '"kind": *"miniforge"' || fail "no default base"
! "$tinderbox" build --plan --json --name x --channel "$work/c2018" --conda zlib=1.2.11=ha838bed_2 2>/dev/null | grep -q miniforge || fail "a base for an exact list"
! "$tinderbox" build --plan --json --name x --base none --channel "$work/c2018" --conda zlib | grep -q miniforge || fail "--base none"

# lock --update: one package moves, conda's others stay where they are, and what cannot stay is named.
cat >"$work/make_channel.py" <<'EOF'
import hashlib, json, pathlib, sys
root = pathlib.Path(sys.argv[1])
packages = {}
for row in sys.argv[2:]:
    name, version, *depends = row.split("/")
    packages[f"{name}-{version}-0.conda"] = {
        "name": name, "version": version, "build": "0", "build_number": 0, "depends": depends, "subdir": "noarch", "size": 1000,
        "sha256": hashlib.sha256(row.encode()).hexdigest(), "md5": hashlib.md5(row.encode()).hexdigest()}
for subdir, rows in (("noarch", packages), ("linux-64", {})):
    (root / subdir).mkdir(parents=True, exist_ok=True)
    (root / subdir / "repodata.json").write_text(json.dumps({"info": {"subdir": subdir}, "packages": {}, "packages.conda": rows}))
EOF
cd "$work"
cat >update.yml <<EOF
name: update
channels: [$work/moving]
dependencies: [a, c]
EOF
python3 make_channel.py moving a/1.0/b b/1.0 c/1.0
expect 0 "" "$tinderbox" lock update.yml --base none -o update.lock
python3 make_channel.py moving a/1.0/b b/1.0 c/1.0 a/2.0/b b/2.0 c/2.0
expect 0 "changed a 1.0 0 → 2.0 0" "$tinderbox" lock update.yml --base none -o update.lock --update a
! grep -q 'changed [bc]' "$work/out" || { cat "$work/out"; fail "--update a moved another package"; }
python3 make_channel.py moving a/1.0/b b/1.0 c/1.0 a/2.0/b b/2.0 c/2.0 'a/3.0/b >=2'
expect 0 "" "$tinderbox" lock update.yml --base none -o update.lock --update a
! grep -q '"version": "3.0"' update.lock || fail "a 3.0 needs a b that is pinned"
sed -i 's/dependencies: .*/dependencies: [a=3, c]/' update.yml
expect 9 "--update b" "$tinderbox" lock update.yml --base none -o update.lock --update a
expect 0 "changed b 1.0 0 → 2.0 0" "$tinderbox" lock update.yml --base none -o update.lock --update a --update b
