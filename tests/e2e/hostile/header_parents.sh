#!/usr/bin/env bash
# The header starts its program only below directories that no other user can change: another user could put a program
# of theirs in its place. It starts itself again in a mount namespace, in which TMPDIR is the only place for a program.
if [ "${1:-}" != inside ]; then
    . "$(dirname "$0")/hostile.inc"
    [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || skip "no mount namespace can be made here"
    setpriv --reuid 4001 true 2>/dev/null || skip "other users cannot be had here"
    tiny_run
    unshare -m bash "$root/tests/e2e/hostile/header_parents.sh" inside "$work" || fail "inside the mount namespace"
    exit 0
fi
set -euo pipefail
mount --make-rprivate /
mount -t tmpfs -o mode=755 none /mnt
cp "$2/tiny.run" /mnt
for directory in /tmp /var/tmp /dev/shm; do mount -t tmpfs -o noexec none "$directory"; done
cd /mnt # until the directories are made
user=4001 other=4002 tried=0

# starts STATUS TEXT TMPDIR [USER]
starts() {
    local status=0 as=${4:-$user} before
    before=$(find /mnt)
    env -u XDG_RUNTIME_DIR HOME=/nonexistent TMPDIR="$3" \
        setpriv --reuid "$as" --regid "$as" --clear-groups sh /mnt/tiny.run --version >/tmp/out 2>&1 || status=$?
    [ "$status" = "$1" ] && grep -qF -- "$2" /tmp/out ||
        { cat /tmp/out; echo "FAIL: $status instead of $1 ($2) with TMPDIR=$3 as $as"; exit 1; }
    [ "$before" = "$(find /mnt)" ] || { echo "FAIL: something is left in $3"; exit 1; }
    tried=$((tried + 1))
}
make() { # PATH OWNER MODE
    mkdir "$1" && chown "$2:$2" "$1" && chmod "$3" "$1"
}
make good $user 700
make sticky 0 1777 && make sticky/mine $user 755
make open 0 777 && make open/mine $user 700
make group 0 755 && chgrp $user group && chmod 775 group
make theirs $other 1777 && make theirs/mine $user 700
make theirs/link-target $user 700
ln -s /mnt/open/mine link
make 'with space' 0 777
cd /proc
starts 0 "made by Tinderbox" /mnt/good
starts 0 "made by Tinderbox" /mnt/sticky
starts 0 "made by Tinderbox" /mnt/sticky/mine
starts 5 "not below '/mnt/open' (owner 0, mode drwxrwxrwx" /mnt/open
starts 5 "not below '/mnt/open' (owner 0, mode drwxrwxrwx" /mnt/open/mine
starts 5 "not below '/mnt/open' (owner 0" /mnt/link
starts 5 "not below '/mnt/group' (owner 0, mode drwxrwxr-x" /mnt/group
starts 5 "not below '/mnt/theirs' (owner $other, mode drwxrwxrwt" /mnt/theirs
starts 5 "not below '/mnt/theirs' (owner $other" /mnt/theirs/mine
starts 5 "not below '/mnt/with space' (owner 0" "/mnt/with space"
# Root trusts no other user; a user trusts root.
starts 5 "not below '/mnt/good' (owner $user, mode drwx------" /mnt/good 0
starts 5 "not below '/mnt/theirs' (owner $other" /mnt/theirs 0
starts 0 "made by Tinderbox" /mnt/sticky 0
echo "header: $tried directories of two users and of root were tried"
