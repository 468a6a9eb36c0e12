#!/usr/bin/env bash
# Measures what a person waits for with torch and torchvision, beside the peers, and says of each target whether it is met.
#
#   tests/bench/wait.sh WORKDIR [RUNS]
#
# WORKDIR  a scratch folder on the disk under test, as tests/bench/run has it: 3 GB to download, 40 GB of disk. Takes some
#          twenty minutes with three runs on an idle machine. Exits with 1 when a target is missed.
#
# The list names every package with its version. Times are medians and include `sync -f`; page cache as install.sh has it.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p "${1:?WORKDIR}"
work=$(realpath "$1") runs=${2:-3}
export PYTHON=${PYTHON:-python3.11}
export TINDERBOX=${TINDERBOX:-$PWD/build/release/tinderbox}
python=$PYTHON tinderbox=$TINDERBOX
unset PIP_FIND_LINKS PYTHONDONTWRITEBYTECODE
. tests/bench/inputs.inc
[ -x "$tinderbox" ] || scripts/build >&2
wheels=$work/wheels-torch
bench_wheels "$wheels" torch torchvision
bench_venv
scratch=$work/scratch-wait
rm -rf "$scratch"
mkdir -p "$scratch"
trap 'umount "$scratch/ram" 2>/dev/null || true; rm -rf "$scratch"' EXIT
exact_requirements "$wheels" >"$scratch/list.txt"
"$tinderbox" build "$scratch/list.txt" --python-from "$python" --no-index --find-links "$wheels" -o "$scratch/torch.run" >"$scratch/build.log" 2>&1 ||
    { tail -n 5 "$scratch/build.log" >&2; exit 1; }

echo "machine: $(nproc) cores, $(free -g | awk '/^Mem/ { print $2 }') GiB, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), load $(cut -d ' ' -f 1-3 /proc/loadavg)"
ROWS=$scratch/rows.tsv STEPS=${STEPS:-raw ours wait verify import uv uvi} UV=$work/venv/bin/uv \
    tests/bench/install.sh "$scratch/torch.run" "$wheels" "$scratch" "$runs" | grep -v "$(printf '\t')"
"$python" - "$scratch/rows.tsv" <<'END'
import statistics, sys
rows = {}
for line in open(sys.argv[1]):
    name, seconds, _ = line.split("\t")
    rows.setdefault(name, []).append(float(seconds))
median = {name: statistics.median(seconds) for name, seconds in rows.items()}
targets = [  # what, seconds, at most this multiple, of what
    ("installed and verified", "wait", 1.7, "ours"),
    ("installed and verified", "wait", 1 / 3, "uv-with-bytecode-and-import"),
    ("verified again, warm", "verify-only", 2, "import"),
]
missed = 0
print("\n| target | seconds | of | is | at most | |\n|---|---|---|---|---|---|")
for what, name, most, other in targets:
    if name not in median or other not in median:
        continue
    is_now = median[name] / median[other]
    missed += is_now > most
    print(f"| {what} | {median[name]:.1f} | {other} ({median[other]:.1f}) | {is_now:.2f} × | {most:.2f} × | {'met' if is_now <= most else 'MISSED'} |")
sys.exit(1 if missed else 0)
END
