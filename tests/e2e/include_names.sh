#!/usr/bin/env bash
# --include: names that are not UTF-8, an environment without a name, a path that a hand wrote into a lock.
. "$(dirname "$0")/common.inc"
conda_channel
cd "$work"

# Files of the user's have no record, and so any name.
mkdir inc
printf x >"inc/$(printf 'caf\351')"
: >inc/zero
{ echo @EXPLICIT; echo "$channel/linux-64/python-3.11.7-stub_0_cpython.conda"; } >list.txt
quietly "$tinderbox" build list.txt --include inc --name edge -o inc.run
quietly sh inc.run -b -p "$work/i"
[ "$(cat "i/share/edge/inc/$(printf 'caf\351')")" = x ] || fail "a name that is not UTF-8"
quietly sh inc.run -b --uninstall -p "$work/i"
[ ! -e i ] || fail "--uninstall left a name that is not UTF-8"
# Neither the request nor --name names the environment: one file is included in share itself.
echo note >note.txt
quietly "$tinderbox" build list.txt --include note.txt -o inc.run
quietly sh inc.run --extract "$work/i"
cmp note.txt i/share/note.txt || fail "--include without the environment's name"
# A lock that was edited by hand: a path that is not in its shortest form.
quietly "$tinderbox" lock list.txt --include note.txt:sub/note.txt -o inc.lock
sed -i 's|"sub/note.txt"|"sub//./note.txt"|' inc.lock
grep -q 'sub//./note.txt' inc.lock || fail "the lock does not name the included file's place"
quietly "$tinderbox" build inc.lock -o inc.run
rm -r i
quietly sh inc.run --extract "$work/i"
cmp note.txt i/share/sub/note.txt || fail "an included file whose path in the lock is not normal"
echo "include_names: not UTF-8, no name, a path that is not normal"
