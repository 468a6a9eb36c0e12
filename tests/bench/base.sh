#!/usr/bin/env bash
# Measures the time until a conda is on the disk: its own .sh, Tinderbox, and conda-ship's embedded runtime, with the
# same packages.
#
#   tests/bench/base.sh WORKDIR [RUNS]
#
# By default it makes the inputs in WORKDIR/inputs, once. The base has some hundred packages and 30,000 files
# (tests/fixtures/make_conda_base.py): a CPython, wheels as conda packages, and conda itself where
# TINDERBOX_CONDA_SOURCE and TINDERBOX_MENUINST_SOURCE name checkouts. An installer's .sh and the three files below are
# made of it. In the .sh conda's own code links packages. Without those checkouts py-rattler does, several times as
# fast; the first row is then called sh-rattler. TINDERBOX names the program under test (default:
# build/release/tinderbox).
#
# SH           (environment) an installer's .sh that can be run here
# OURS         a NAME.run that was built with --base "$SH" --bytecode build
# SHIP         a runtime that conda-ship's `cs build --artifact-layout embedded` made of the same packages
# OURS_ALONE   a NAME.run of the packages that SHIP holds, without a base
#
# Tinderbox verifies its installation by importing every requested package; the others do not. Rows that end in "-files"
# (--extract) leave that out.
#
# When SH, OURS, SHIP or OURS_ALONE is given, rows of the others are left out. Every time includes `sync -f`; before each row the page
# cache is dropped (root). CPU is user + system of all processes: on a machine that does other work, compare this
# figure.
set -euo pipefail
mkdir -p "${1:?WORKDIR}"
work=$(realpath "$1") runs=${2:-3}
export LC_ALL=C
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

make_inputs() {
    local tinderbox=${TINDERBOX:-$root/build/release/tinderbox} to=$work/inputs venv
    [ -x "$tinderbox" ] || { echo "$tinderbox is not there: run scripts/build, or set TINDERBOX" >&2; exit 2; }
    venv=$("$root/scripts/test-venv")
    mkdir -p "$to"
    if [ -n "${TINDERBOX_CONDA_SOURCE:-}" ]; then
        export TINDERBOX_CONDA_PYTHON=$to/conda/bin/python
    else
        sh_row=sh-rattler
    fi
    SH=$to/Labconda-D.sh OURS=$to/base.run SHIP=$to/dist/ship OURS_ALONE=$to/alone.run
    [ ! -e "$to/.complete" ] || return 0
    "$venv/bin/python" "$root/tests/fixtures/make_conda_base.py" "$to" | tail -n 1
    # shellcheck disable=SC2046
    "$venv/bin/python" "$root/tests/fixtures/make_installers.py" "$to/channel" "$to" --packages $(cat "$to/base.txt") --eras D
    [ -x "$to/conda-ship/bin/cs" ] || { # a plugin of conda requires it, and PyPI does not have it
        "$venv/bin/python" -m venv "$to/conda-ship"
        env -u PIP_FIND_LINKS "$to/conda-ship/bin/python" -m pip install -q --no-deps conda-ship
    }
    HOME=$to/home "$to/conda-ship/bin/cs" build --root "$to/pixi" --out-dir "$to/dist" --artifact-layout embedded --runtime-name ship \
        --source-environment default --delegate-executable python --runtime-version 1.0 >"$to/ship.log" 2>&1 || { cat "$to/ship.log" >&2; exit 1; }
    "$tinderbox" build "$to/explicit.txt" --base "$SH" --bytecode build --name lab -o "$OURS"
    "$tinderbox" build "$to/explicit.txt" --bytecode build --name lab -o "$OURS_ALONE"
    touch "$to/.complete"
}
sh_row=sh
[ -n "${SH:-}${OURS:-}${SHIP:-}${OURS_ALONE:-}" ] || make_inputs
rows=$work/rows.tsv
: >"$rows"
measure() { # NAME TARGET command…
    local name=$1 target=$2 start end status=0
    shift 2
    rm -rf "$target" "$work/home"
    mkdir -p "$work/home"
    sync
    echo 3 >/proc/sys/vm/drop_caches 2>/dev/null || true
    start=$EPOCHREALTIME
    HOME=$work/home /usr/bin/time -f '%U %S %M' -o "$work/time" "$@" >"$work/log.$name" 2>&1 </dev/null || status=$?
    sync -f "$work"
    end=$EPOCHREALTIME
    [ -e "$target/conda-meta/history" ] || { echo "$name failed ($status):"; tail -n 5 "$work/log.$name"; return; }
    awk -v n="$name" -v a="$start" -v b="$end" -v f="$(find "$target" -type f | wc -l)" \
        'END { printf "%s\t%.2f\t%.2f\t%.0f\t%d\n", n, b - a, $1 + $2, $3 / 1024, f }' "$work/time" | tee -a "$rows"
    rm -rf "$target"
}
for ((run = 1; run <= runs; run++)); do
    [ -z "${SH:-}" ] || measure $sh_row "$work/sh" sh "$SH" -b -s -p "$work/sh"
    [ -z "${OURS:-}" ] || measure ours "$work/ours" sh "$OURS" -b -s -p "$work/ours"
    [ -z "${OURS:-}" ] || measure ours-files "$work/ours-files" sh "$OURS" --extract "$work/ours-files"
    [ -z "${SHIP:-}" ] || measure conda-ship "$work/home/.conda/$(basename "$SHIP")" "$SHIP" --version
    [ -z "${OURS_ALONE:-}" ] || measure ours-alone "$work/home/.conda/x" sh "$OURS_ALONE" -b -s -p "$work/home/.conda/x"
    [ -z "${OURS_ALONE:-}" ] || measure ours-alone-files "$work/home/.conda/x" sh "$OURS_ALONE" --extract "$work/home/.conda/x"
done
python3 - "$rows" <<'END'
import statistics, sys
rows = {}
for line in open(sys.argv[1]):
    name, *numbers = line.split("\t")
    rows.setdefault(name, []).append([float(n) for n in numbers])
print("\n| | median s | median CPU s | peak MiB | files | runs |\n|---|---|---|---|---|---|")
for name, r in rows.items():
    print(f"| {name} | {statistics.median(x[0] for x in r):.1f} | {statistics.median(x[1] for x in r):.1f} | {max(x[2] for x in r):.0f} "
          f"| {r[0][3]:.0f} | {len(r)} |")
END
