#!/usr/bin/env bash
# Measures the time until an environment is on the disk: Tinderbox and its peers in one run, as ratios of medians.
#
#   tests/bench/install.sh RUNFILE WHEELHOUSE WORKDIR [RUNS]
#
# RUNFILE     an installer that was built from WHEELHOUSE (and a captured Python)
# WHEELHOUSE  a folder of wheels; REQS (environment) lists what is installed from it, default: all of them
# WORKDIR     a scratch folder on the disk under test
#
# Every time includes `sync -f`, so the bytes are on the disk. Before every row the page cache is dropped (root). Old
# targets are emptied at once but removed only at the end: ext4 skips inodes that were freed in the last minutes, and
# after a removal every row with many files took twice as long.
#
# Virtual machines may give freed memory back to their host; each page then costs a host fault at its next use. Giving
# back takes time: a kernel with free page reporting hands over some 400 MB every two seconds. So a row starts when the
# count of reported pages (page_reporting.reported_kib, where the kernel has it) has nearly stopped. PRETOUCH_GB=n
# faults n GiB in instead, which is closer to a physical machine.
#
# STEPS (environment) chooses: raw, ours, and of its fallbacks ours-plain (no io_uring), ours-buffered (no O_DIRECT),
# ours1 (one thread), ours-plain1 (all three), ours4; uv, uvc (--compile-bytecode), pip (once), tar, squashfs.
# Of the whole wait: wait (the installation with its verification), verify (--verify-only of it, warm), import (of the
# modules in IMPORT, warm), uvi (uvc and that import). ROWS names a file for the measured values.
set -euo pipefail
runfile=$(realpath "${1:?RUNFILE}") wheels=$(realpath "${2:?WHEELHOUSE}") work=$(realpath "${3:?WORKDIR}") runs=${4:-3}
python=${PYTHON:-python3.11}
uv=${UV:-uv}
steps=${STEPS:-raw ours uv pip tar}
export LC_ALL=C
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PYTHONDONTWRITEBYTECODE
mkdir -p "$work"
# Recently freed inodes make small files slow on ext4; a parent with +T spreads directories over block groups.
chattr +T "$work" 2>/dev/null || true
rows=${ROWS:-$work/rows.tsv}
: >"$rows"
import="import ${IMPORT:-torch, torchvision}"
# A shell without variables of its own, as most users have it.
plain=(env -i "HOME=$work/home" "PATH=/usr/bin:/bin" TERM=dumb LANG=C.UTF-8)
mkdir -p "$work/home"

# Waits until freed memory is back at the host: less than 8 MiB reported in each of two checks (three minutes at most).
until_given_back() {
    local count=/sys/module/page_reporting/parameters/reported_kib before now still=0 i
    [ -r "$count" ] || return 0
    before=$(cat "$count")
    for ((i = 0; i < 60 && still < 2; i++)); do
        sleep 3
        now=$(cat "$count")
        if [ $((now - before)) -lt 8192 ]; then still=$((still + 1)); else still=0; fi
        before=$now
    done
}
cold() {
    sync
    echo 3 >/proc/sys/vm/drop_caches 2>/dev/null || true
    sleep 2
    if [ "${PRETOUCH_GB:-0}" -gt 0 ]; then
        "$python" -c "b = b'\1' * (${PRETOUCH_GB} << 30)"
    else
        until_given_back
    fi
}
# measure NAME command…: one row: name, seconds with sync, peak RSS in MiB
measure() { cold; measure_warm "$@"; }
measure_warm() {
    local name=$1 start end status=0
    shift
    start=$EPOCHREALTIME
    /usr/bin/time -f %M -o "$work/rss" "$@" >"$work/log.$name" 2>&1 </dev/null || status=$?
    sync -f "$work"
    end=$EPOCHREALTIME
    [ "$status" = 0 ] || { echo "$name failed ($status):"; tail -n 5 "$work/log.$name"; return; }
    awk -v n="$name" -v a="$start" -v b="$end" -v r="$(tail -n 1 "$work/rss")" \
        'BEGIN { printf "%s\t%.2f\t%.0f\n", n, b - a, r / 1024 }' | tee -a "$rows"
}
bytes=$("${TINDERBOX:-$(dirname "$0")/../../build/release/tinderbox}" inspect "$runfile" --json |
    "$python" -c 'import json, sys; print(json.load(sys.stdin)["install"]["apparent_bytes"])')
mib=$(((bytes + 1048575) / 1048576))
requirements=${REQS:-$(cd "$wheels" && ls ./*.whl | sed "s|^\./|$wheels/|")}

n=0
fresh() { n=$((n + 1)); target=$work/t$n; rm -rf "$target"; mkdir -p "$target"; }
for step in $steps; do
    for ((run = 1; run <= runs; run++)); do
        case $step in
            raw)
                # Writes incompressible bytes from memory past the page cache: the limit of this disk.
                mkdir -p "$work/ram"
                mountpoint -q "$work/ram" || mount -t tmpfs -o size=1100m none "$work/ram"
                [ -e "$work/ram/r" ] || head -c 1G /dev/urandom >"$work/ram/r"
                fresh
                measure raw sh -c 'left=$2; i=0; while [ $left -gt 0 ]; do c=$(( left < 1024 ? left : 1024 )); dd if="$1" of="$3/$i" bs=1M count=$c oflag=direct status=none || exit 1; left=$((left - c)); i=$((i + 1)); done' _ "$work/ram/r" "$mib" "$target"
                ;;
            ours) fresh; measure ours sh "$runfile" --extract "$target/x" ;;
            ours-plain) fresh; measure ours-no-io_uring env TINDERBOX_IO=no-uring sh "$runfile" --extract "$target/x" ;;
            ours-buffered) fresh; measure ours-no-O_DIRECT env TINDERBOX_IO=no-direct sh "$runfile" --extract "$target/x" ;;
            ours-plain1) fresh; measure ours-no-io_uring-no-O_DIRECT-one-thread env TINDERBOX_IO=no-uring,no-direct sh "$runfile" --extract "$target/x" --jobs 1 ;;
            ours1) fresh; measure ours-one-thread sh "$runfile" --extract "$target/x" --jobs 1 ;;
            ours4) fresh; measure ours-4-threads sh "$runfile" --extract "$target/x" --jobs 4 ;;
            wait) fresh; measure wait "${plain[@]}" sh "$runfile" -b -p "$target/x" ;;
            verify | import)
                fresh
                [ -e "$work/installed/.tinderbox" ] || "${plain[@]}" sh "$runfile" -b -p "$work/installed" >"$work/log.installed" 2>&1 || true
                "${plain[@]}" "$work/installed/bin/python" -c "$import" 2>/dev/null # once, so that it is warm
                case $step in
                    verify) measure_warm verify-only "${plain[@]}" "$work/installed/.tinderbox/stub" --verify-only -p "$work/installed" ;;
                    import) measure_warm import "${plain[@]}" "$work/installed/bin/python" -c "$import" ;;
                esac
                ;;
            uv | uvc | uvi)
                fresh
                compile=
                [ "$step" = uv ] || compile=--compile-bytecode
                "$uv" venv -q --no-project --offline --python "$python" "$target/x"
                into=("$uv" pip install -q --offline --no-index --no-deps $compile --cache-dir "$target/cache" --python "$target/x/bin/python")
                if [ "$step" = uvi ]; then
                    # shellcheck disable=SC2016,SC2086
                    measure uv-with-bytecode-and-import sh -c 'python=$1 import=$2; shift 2; "$@" && "$python" -c "$import"' _ "$target/x/bin/python" "$import" "${into[@]}" $requirements
                else
                    # shellcheck disable=SC2086
                    measure "uv${compile:+-with-bytecode}" "${into[@]}" $requirements
                fi
                ;;
            pip)
                [ "$run" = 1 ] || continue
                fresh
                "$python" -m venv --without-pip "$target/x"
                measure pip "$python" -m pip --python "$target/x/bin/python" install -q --no-cache-dir --no-index --no-deps $requirements
                ;;
            tar)
                if [ ! -e "$work/tree.tar.zst" ]; then
                    sh "$runfile" --extract "$work/tree" >/dev/null 2>&1
                    tar -C "$work/tree" -cf - . | zstd -q -3 -T0 -o "$work/tree.tar.zst"
                    printf 'size of tar | zstd -3\t%s\nsize of NAME.run\t%s\n' "$(stat -c %s "$work/tree.tar.zst")" "$(stat -c %s "$runfile")"
                    rm -rf "$work/tree"
                fi
                fresh
                measure tar-zstd tar -C "$target" --zstd -xf "$work/tree.tar.zst"
                ;;
            squashfs)
                command -v mksquashfs >/dev/null || continue
                if [ ! -e "$work/tree.sqfs" ]; then
                    sh "$runfile" --extract "$work/tree" >/dev/null 2>&1
                    mksquashfs "$work/tree" "$work/tree.sqfs" -comp zstd -noappend -no-progress -quiet
                    rm -rf "$work/tree"
                fi
                fresh
                measure unsquashfs unsquashfs -q -n -d "$target/x" "$work/tree.sqfs"
                ;;
        esac
        [ -n "${target:-}" ] && find "$target" -type f -size +15k -exec truncate -s 0 {} +
    done
done
umount "$work/ram" 2>/dev/null || true

"$python" - "$rows" <<'END'
import statistics, sys
rows = {}
for line in open(sys.argv[1]):
    name, seconds, rss = line.split("\t")
    rows.setdefault(name, []).append((float(seconds), int(rss)))
median = {name: statistics.median(s for s, _ in r) for name, r in rows.items()}
print("\n| | median s | runs | peak MiB | of the raw write | ours is faster by |\n|---|---|---|---|---|---|")
for name, r in rows.items():
    raw = f"{median[name] / median['raw']:.2f} ×" if "raw" in median else ""
    factor = f"{median[name] / median['ours']:.1f} ×" if "ours" in median and name not in ("raw", "ours") else ""
    print(f"| {name} | {median[name]:.1f} | {len(r)} | {max(m for _, m in r)} | {raw} | {factor} |")
END
rm -rf "$work"/t[0-9]* "$work/installed" # the archives stay for another call with other rows
