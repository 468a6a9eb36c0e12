#!/usr/bin/env bash
# Targets that cannot take files, a read-only noexec medium like a USB stick, /tmp mounted noexec. The script starts
# itself again in a mount namespace of its own, because it mounts file systems.
if [ "${1:-}" != inside ]; then
    . "$(dirname "$0")/second_machine.inc"
    [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || skip "no mount namespace can be made here"
    unshare -m "${offline[@]}" bash "$root/tests/e2e/mounts.sh" inside "$work" "$imports" || fail "inside the mount namespace"
    exit 0
fi
set -euo pipefail
work=$2 imports=$3
fail() { cat "$work/log"; echo "FAIL: $*" >&2; exit 1; }
mount --make-rprivate /
mount --bind "$work" /mnt && cd /
expect() { # STATUS TEXT command…
    local wanted=$1 text=$2 status=0
    shift 2
    "$@" >"$work/log" 2>&1 || status=$?
    [ "$status" = "$wanted" ] || fail "exit status $status instead of $wanted: $*"
    grep -qF -- "$text" "$work/log" || fail "'$text' is not in the output of: $*"
}
quietly() { "$@" >"$work/log" 2>&1 || fail "exit status $?: $*"; }

# File systems that cannot be written.
mkdir /mnt/ro /mnt/inodes /mnt/stick
mount -t tmpfs none /mnt/ro; mount -o remount,ro /mnt/ro
expect 5 /mnt/ro sh /mnt/lab.run -b -p /mnt/ro/env
expect 5 /mnt/ro sh /mnt/lab.run -b -p /mnt/ro/a/b/env
expect 5 /mnt/ro sh /mnt/lab.run -b -f -p /mnt/ro
mount -t tmpfs -o nr_inodes=200 none /mnt/inodes
expect 5 inode sh /mnt/lab.run -b -p /mnt/inodes/env
expect 5 inode sh /mnt/lab.run -b -p /mnt/inodes/a/env
[ -z "$(ls -A /mnt/inodes)" ] || fail "something was written although the inodes do not suffice: $(ls -A /mnt/inodes)"

# A stick: read-only, noexec, nosuid, nodev, and no exec bits.
mount -t tmpfs none /mnt/stick; cp /mnt/lab.run "/mnt/stick/LAB 1.RUN"; chmod 444 /mnt/stick/*
mount -o remount,ro,noexec,nosuid,nodev /mnt/stick
quietly sh "/mnt/stick/LAB 1.RUN" -b -p /mnt/from-stick
/mnt/from-stick/bin/python -c "$imports" /mnt/from-stick
(cd /mnt/stick && quietly sh "./LAB 1.RUN" --check -p /mnt/other)
(cd /mnt/stick && quietly sh "LAB 1.RUN" --verify-file)

# No usual directory for temporary files can start a program, so HOME is used; without HOME there is one clear sentence.
for directory in /tmp /var/tmp /dev/shm; do [ ! -d "$directory" ] || mount -t tmpfs -o noexec none "$directory"; done
unset TMPDIR XDG_RUNTIME_DIR
mkdir /mnt/home2; export HOME=/mnt/home2 work=/mnt
quietly sh /mnt/stick/*.RUN -b
"$HOME/lab/bin/python" -c "$imports" "$HOME/lab"
[ -z "$(ls -A "$HOME" | grep -vxE 'lab|[.]conda')" ] || fail "the program was left in HOME: $(ls -A "$HOME")"
for directory in /tmp /var/tmp /dev/shm; do [ -z "$(ls -A "$directory")" ] || fail "something is left in $directory"; done
mkdir /mnt/home3; mount -t tmpfs -o noexec none /mnt/home3
cd /mnt/stick; HOME=/mnt/home3 expect 5 "set TMPDIR" sh ./*.RUN -b -p /mnt/never
[ ! -e /mnt/never ] && [ -z "$(ls -A /mnt/home3)" ] || fail "something was written without a directory that can start a program"
