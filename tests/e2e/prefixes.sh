#!/usr/bin/env bash
# Prefixes: relative, in the home directory, empty, in use, on a disk that is too small. Refusals come before the first
# write.
. "$(dirname "$0")/common.inc"
small_wheels
cd "$work"
make_run good.run six==1.17.0 numpy==2.2.6

mkdir full
touch full/file
expect 5 "$work/full" sh good.run -b -p "$work/full"
expect 5 "$work/full/file" sh good.run -b -p "$work/full/file"
[ "$(ls -A full)" = file ] || fail "a refused prefix was changed"
expect 2 "--no-such-option" sh good.run --no-such-option
quietly sh ./good.run -b -p relative/prefix
relative/prefix/bin/python -c 'import numpy'
# shellcheck disable=SC2088
quietly sh good.run -b -p '~/in-home'
"$HOME/in-home/bin/python" -c 'import six'
mkdir empty
quietly sh good.run -b -p "$work/empty" -f
empty/bin/python -c 'import numpy'
quietly sh good.run -b -p "$work/full" -f
[ -e full/file ] || fail "a foreign file is gone"

# A disk that is too small is reported before the first write (mounts a tmpfs).
if mkdir small && mount -t tmpfs -o size=8m none small 2>/dev/null; then
    expect 5 "are needed in '$work/small'" sh good.run -b -p "$work/small/p"
    [ -z "$(ls -A small)" ] || fail "something is left on the full disk"
    umount small
else
    echo "note: no tmpfs can be mounted here; the full disk was not tried"
fi
