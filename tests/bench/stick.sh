#!/usr/bin/env bash
# Measures an installation from a slow source: a loop device whose reads are limited, as a USB stick or an old disk is.
#
#   tests/bench/stick.sh NAME.run WORKDIR [MEGABYTES_PER_SECOND…]      default: 100 30
#
# NAME.run  an installer; larger ones tell more. VOLUMES (environment) names the first file of one that was split
# WORKDIR   a scratch folder: room for both and for what they install
#
# Needs root, for the loop device and the limit (cgroup v1's blkio, or v2's io). Each row is beside one reading of the
# whole file by `cat` at the same limit; the target is 1.05 times that. The page cache is dropped before each row.
set -euo pipefail
runfile=$(realpath "${1:?NAME.run}")
mkdir -p "${2:?WORKDIR}"
work=$(realpath "$2")
shift 2
rates=("$@")
[ $# -gt 0 ] || rates=(100 30)
[ "$(id -u)" = 0 ] || { echo "error: needs root, for a loop device and its limit" >&2; exit 2; }

files=("$runfile")
if [ -n "${VOLUMES:-}" ]; then
    for file in "$(realpath "$VOLUMES")" "$(realpath "$VOLUMES")".[0-9]*; do files+=("$file"); done
fi
size=$(stat -c %s "${files[@]}" | awk '{ n += $1 } END { print int(n / 1000000 * 1.1) + 200 }')
stick=$work/stick
group=
leave() {
    umount "$stick" 2>/dev/null || true
    [ -z "$group" ] || rmdir "$group" 2>/dev/null || true
    rm -rf "$work/stick.img" "$work/installed" "$work/second"
}
trap leave EXIT
truncate -s "${size}M" "$work/stick.img"
mkfs.ext4 -q -m 0 "$work/stick.img"
mkdir -p "$stick"
mount -o loop "$work/stick.img" "$stick"
cp "${files[@]}" "$stick/"
sync
# Reads go past the cache of the file under the loop device, and the limit is that device's.
device=$(findmnt -n -o SOURCE "$stick")
losetup --direct-io=on "$device" 2>/dev/null || true
number=$(lsblk -n -d -o MAJ:MIN "$device" | tr -d ' ')

limit() { # BYTES_PER_SECOND
    local v1=/sys/fs/cgroup/blkio v2=/sys/fs/cgroup
    if [ -e "$v1/blkio.throttle.read_bps_device" ]; then
        group=$v1/tinderbox-stick
        mkdir -p "$group"
        echo "$number $1" >"$group/blkio.throttle.read_bps_device"
    else
        group=$v2/tinderbox-stick
        mkdir -p "$group"
        echo "$number rbps=$1" >"$group/io.max"
    fi
}
# timed NAME command…: seconds, within the limit, with what was written on the disk.
timed() {
    local name=$1 from to
    shift
    sync
    echo 3 >/proc/sys/vm/drop_caches
    from=$EPOCHREALTIME
    bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' _ "$group" "$@" >"$work/log" 2>&1 || { tail -n 3 "$work/log" >&2; echo "$name failed" >&2; exit 1; }
    sync -f "$work"
    to=$EPOCHREALTIME
    seconds=$(awk -v a="$from" -v b="$to" 'BEGIN { printf "%.1f", b - a }')
}
row() { # WHAT READING
    awk -v what="$1" -v s="$seconds" -v r="$2" 'BEGIN { printf "| %s | %s | %.2f × | %s |\n", what, s, s / r, s / r <= 1.05 ? "met" : "MISSED" }'
    find "$work/installed" "$work/second" -type f -size +15k -exec truncate -s 0 {} + 2>/dev/null || true
    rm -rf "$work/installed" "$work/second"
}
name=$(basename "$runfile")
for rate in "${rates[@]}"; do
    limit $((rate * 1000000))
    timed read cat "$stick/$name"
    reading=$seconds
    printf '\n| %s MB/s, %s bytes | s | of one reading (%s s) | at most 1.05 × |\n|---|---|---|---|\n' "$rate" "$(stat -c %s "$runfile")" "$reading"
    timed extract sh "$stick/$name" --extract "$work/installed"
    row "the files" "$reading"
    timed install sh "$stick/$name" -b --no-gpu -p "$work/installed"
    row "installed and verified" "$reading"
    timed two sh -c 'sh "$1" --extract "$2" & sh "$1" --extract "$3" && wait $!' _ "$stick/$name" "$work/installed" "$work/second"
    row "two at once, both" "$reading"
    if [ -n "${VOLUMES:-}" ]; then
        timed volumes sh "$stick/$(basename "$VOLUMES")" --extract "$work/installed"
        row "the files, from volumes" "$reading"
    fi
done
