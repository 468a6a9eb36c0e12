#!/usr/bin/env bash
# A file system of every size around what is needed: preflight refuses, or the installation succeeds. It starts itself
# again in a mount namespace.
if [ "${1:-}" != inside ]; then
    . "$(dirname "$0")/hostile.inc"
    [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || skip "no mount namespace can be made here"
    tiny_run
    unshare -m bash "$root/tests/e2e/hostile/room.sh" inside "$work" || fail "inside the mount namespace"
    exit 0
fi
set -euo pipefail
cd "$2"
mount --make-rprivate /
installed=0 refused=0
try() { # MOUNT-OPTIONS
    local status=0
    mount -t tmpfs -o "$1" none /mnt
    sh tiny.run -b -p /mnt/env >log 2>&1 </dev/null || status=$?
    if [ $status = 0 ]; then
        [ -s /mnt/env/.tinderbox/state ] || { echo "FAIL: exit 0 without an environment: $1"; exit 1; }
        installed=$((installed + 1))
    else
        [ $status = 5 ] && grep -q "nothing was installed" log && [ -z "$(ls -A /mnt)" ] ||
            { cat log; ls -A /mnt; echo "FAIL: $status with $1: preflight promised room"; exit 1; }
        refused=$((refused + 1))
    fi
    umount /mnt
}
needed=$(($(stat -c %s tiny.run) / 1024)) # some more, for what is compressed in it
for eighths in 1 2 4 6 7 8 9 10 11 12 14 17; do try "size=$((needed * eighths / 8))k"; done
for inodes in $(seq 4 6 64); do try "nr_inodes=$inodes"; done
[ $installed -gt 2 ] && [ $refused -gt 6 ] || { echo "FAIL: $installed installed, $refused refused: no size was near"; exit 1; }
echo "room: $((installed + refused)) sizes: $installed installed, $refused refused before a byte was written"
