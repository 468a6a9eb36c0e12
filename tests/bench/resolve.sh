#!/usr/bin/env bash
# Resolves torch + jupyterlab + pandas + scikit-learn + matplotlib with warm caches: Tinderbox and uv.
#
#   tests/bench/resolve.sh [RUNS]      (TINDERBOX: the binary, default build/release/tinderbox)
#
# Compare processor time (user + sys): it depends neither on other work of the machine nor on the index's answer times.
# Wall time is shown beside it. Runs alternate.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
runs=${1:-10}
tinderbox=${TINDERBOX:-$root/build/release/tinderbox}
[ -x "$tinderbox" ] || { echo "error: $tinderbox is not there; scripts/build makes it" >&2; exit 2; }
venv=$("$root/scripts/test-venv")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TINDERBOX_CACHE=$work/cache UV_CACHE_DIR=$work/uv UV_PYTHON_DOWNLOADS=never NO_COLOR=1
unset PIP_FIND_LINKS
printf 'torch\njupyterlab\npandas\nscikit-learn\nmatplotlib\n' >"$work/r.in"
exec "$venv/bin/python" - "$tinderbox" "$venv/bin/uv" "$work" "$runs" <<'END'
import json, os, resource, statistics, subprocess, sys, time
tinderbox, uv, work, runs = *sys.argv[1:4], int(sys.argv[4])
commands = {
    "tinderbox lock --pip-only": [tinderbox, "lock", "--pip-only", "--python", "3.11", f"{work}/r.in", "-o", f"{work}/r.lock"],
    "uv pip compile": [uv, "pip", "compile", "-q", "--no-config", "--upgrade", "--only-binary", ":all:", "--python-platform",
                       "x86_64-manylinux_2_28", "--python-version", "3.11", f"{work}/r.in", "-o", f"{work}/r.txt"],
}
if url := os.environ.get("PIP_INDEX_URL"):
    commands["uv pip compile"] += ["--index-url", url]
rows = {name: [] for name in commands}
for run in range(runs + 1):
    for name, command in commands.items():
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        if run: # the first run fills the caches
            rows[name].append((after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, wall))
packages = len(json.load(open(f"{work}/r.lock"))["artifacts"])
print(f"{packages} packages, {runs} runs each, load {os.getloadavg()[0]:.1f}\n")
print("| | CPU s, median | CPU s, best | wall s, median | wall s, best |\n|---|---|---|---|---|")
for name, values in rows.items():
    cpu, wall = [v[0] for v in values], [v[1] for v in values]
    print(f"| {name} | {statistics.median(cpu):.2f} | {min(cpu):.2f} | {statistics.median(wall):.2f} | {min(wall):.2f} |")
ours, theirs = ([v[0] for v in values] for values in rows.values())
print(f"\nours is {statistics.median(ours) / statistics.median(theirs):.2f} x uv (CPU, medians), {min(ours) / min(theirs):.2f} x (best)")
END
