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
# 81 names of nine versions that exclude each other. As its author made it no block but three is where it belongs, so that nothing
# of it can be installed; with the blocks put right it is the puzzle.
sudoku = load("jjhelmus-sudoku-noarch.json.zst")
write("sudoku", "noarch", sudoku)
write("sudoku", "linux-64", {"packages": {}})
for row in sudoku["packages"].values():
    r, c = map(int, row["name"].split("_")[1:])
    peers = {(a, b) for a in range(9) for b in range(9) if (a, b) != (r, c) and (a == r or b == c or (a // 3, b // 3) == (r // 3, c // 3))}
    row["depends"] = [f"sudoku_{a}_{b} !={row['version']}" for a, b in sorted(peers)]
write("sudoku-puzzle", "noarch", sudoku)
write("sudoku-puzzle", "linux-64", {"packages": {}})
def specs(file, *grids):
    cells = [f"sudoku_{r}_{c}" for r in range(9) for c in range(9)]
    lines = [" ; ".join(cell + (f"=={given}" if given != "." else "") for cell, given in zip(cells, grid, strict=True)) for grid in grids]
    (work / file).write_text("".join(line + "\n" for line in lines))
specs("sudoku.specs", "." * 81, "11" + "." * 79, "12345678" + "1" + "." * 72)
specs("sudoku-puzzle.specs", "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4..",  # one answer each
      "..............3.85..1.2.......5.7.....4...1...9.......5......73..2.1........4...9",
      "4.....8.5.3..........7......2.....6.....8.4......1.......6.3.7.5..2.....1.4......", "." * 81,
      "8...9......36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4..")  # and none
EOF
compare() {
    "$venv/bin/python" "$root/tests/tools/compare_conda_solve.py" "$tinderbox" "$@" --show 3 >"$work/compare.json" 2>&1 || { cat "$work/compare.json"; fail "compare $*"; }
    # Never in whether there is an answer; where there are several, now and then in which of two packages stays behind.
    "$venv/bin/python" - "$work/compare.json" "$*" <<'EOF' || fail "too many differences: $*"
import json, sys
d = json.load(open(sys.argv[1]))
print(sys.argv[2].split("/")[-1], d["counts"], d["where answers differ"])
differ = d["where answers differ"]
sys.exit(sum(differ.values()) - differ.get("ours better", 0) > 0.07 * d["sets"])
EOF
}
compare "$work/c2018" --random 40 --seed 11
compare "$work/c2017" --random 30 --seed 12
compare "$work/pytorch" "$work/c2018" --random 30 --seed 13 --virtual __cuda=11.8
compare "$work/c2018" "$work/c2017" --random 25 --seed 14 --priority disabled
compare "$work/c2018" "$work/c2017" --random 25 --seed 15 --priority flexible

# Puzzles: the same verdicts, and the same answer where there is but one ("." * 81 has many, and the same is chosen).
compare "$work/sudoku" --specs "$work/sudoku.specs" --timeout 60
compare "$work/sudoku-puzzle" --specs "$work/sudoku-puzzle.specs" --timeout 60
# Channels packed with py-rattler-build, made at random; docs/solve.md has the figure of a larger run.
compare --packed 25 --seed 16

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
# The target's driver says what __cuda is; --virtual has the last word, a GPU that no newer driver knows the one before.
cuda_is() {
    local wanted=$1
    shift
    "$tinderbox" build --plan --json --name x --base none --channel "$work/c2018" --conda zlib "$@" >"$work/gpu.json" 2>"$work/err" || { cat "$work/err"; fail "$*"; }
    "$venv/bin/python" -c 'import json, sys; got = json.load(open(sys.argv[1]))["lock"]["virtual"].get("__cuda"); sys.exit(got != sys.argv[2] and f"__cuda {got}")' "$work/gpu.json" "$wanted" ||
        fail "$*: not $wanted"
}
cuda_is 12.2 --target-driver 535
cuda_is 11.2 --target-driver 460.27.03 --target-gpu 8.6
cuda_is 11.8 --target-driver 535 --virtual __cuda=11.8
cuda_is 11.4 --target-gpu 3.7
cuda_is 13.0 --target-gpu 8.6
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
