#!/usr/bin/env bash
# Measures the cost of reading GPU architectures: the throughput of the scan beside SHA-256 of the same bytes, which
# every build computes too, and beside cuobjdump --list-elf.
#
#   tests/bench/fatbin.sh BUILD_DIR LIBRARY… [-- CUOBJDUMP]
#
# Libraries are read into memory first; the best of three runs counts.
set -euo pipefail
build=${1:?BUILD_DIR} && shift
libraries=() cuobjdump=
while [ $# -gt 0 ]; do
    if [ "$1" = -- ]; then cuobjdump=${2:?CUOBJDUMP}; break; fi
    libraries+=("$1") && shift
done
[ ${#libraries[@]} -gt 0 ] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0" | sed '$d'; exit 2; }
best() { # best command…: prints the seconds of the fastest of three
    local i start end fastest=
    for i in 1 2 3; do
        start=$EPOCHREALTIME
        "$@" >/dev/null 2>&1 || true
        end=$EPOCHREALTIME
        fastest=$(awk -v a="$start" -v b="$end" -v f="${fastest:-1e9}" 'BEGIN { t = b - a; print (t < f ? t : f) }')
    done
    echo "$fastest"
}
printf '%-40s %9s %12s %12s %12s\n' library MB 'scan GB/s' 'sha256 GB/s' 'cuobjdump s'
for library in "${libraries[@]}"; do
    scan=$(for i in 1 2 3; do "$build/list_fatbins" --time "$library"; done |
        python3 -c 'import json, sys; print(min(json.loads(l)["seconds"] for l in sys.stdin))')
    sha=$(best sha256sum "$library")
    other=-
    [ -z "$cuobjdump" ] || other=$(best "$cuobjdump" --list-elf "$library")
    python3 -c 'import os, sys; n = os.path.getsize(sys.argv[1]); scan, sha = map(float, sys.argv[2:4]); print(
        f"{os.path.basename(sys.argv[1])[:40]:40} {n / 1e6:9.1f} {n / 1e9 / scan:12.1f} {n / 1e9 / sha:12.2f} {sys.argv[4]:>12.5}")' \
        "$library" "$scan" "$sha" "$other"
done
