#!/usr/bin/env bash
# How long until a conda is on the disk? Its own .sh, Tinderbox, and conda-ship's embedded runtime, on the same packages.
#
#   tests/bench/base.sh WORKDIR [RUNS]
#
# SH           (environment) an installer's .sh that can be run here (tests/fixtures/make_installers.py makes some; with
#              TINDERBOX_CONDA_SOURCE conda's own code links, else py-rattler)
# OURS         a NAME.run that was built with --base "$SH" --bytecode build
# SHIP         a runtime that conda-ship's `cs build --artifact-layout embedded` made of the same packages
# OURS_ALONE   a NAME.run of the packages that SHIP holds, without a base
#
# Rows that are not given are left out. Every time includes `sync -f`; the page cache is dropped before each row (root).
# CPU is user + system of all processes: on a machine that does other work it is the figure to compare.
set -euo pipefail
work=$(realpath "${1:?WORKDIR}") runs=${2:-3}
export LC_ALL=C
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
    [ -z "${SH:-}" ] || measure sh "$work/sh" sh "$SH" -b -s -p "$work/sh"
    [ -z "${OURS:-}" ] || measure ours "$work/ours" sh "$OURS" -b -s -p "$work/ours"
    [ -z "${SHIP:-}" ] || measure conda-ship "$work/home/.conda/$(basename "$SHIP")" "$SHIP" --version
    [ -z "${OURS_ALONE:-}" ] || measure ours-alone "$work/home/.conda/x" sh "$OURS_ALONE" -b -s -p "$work/home/.conda/x"
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
