#!/usr/bin/env bash
# Years after the installation: a new version of the environment, a tree that was moved or copied, an umask that hid
# files. Nobody's work is lost, and every check tells the truth.
. "$(dirname "$0")/common.inc"
small_wheels
cd "$work"
make_run old.run six==1.17.0 pygments==2.19.2
make_run new.run six==1.17.0 pyyaml==6.0.3
env=$work/env

# A student's work in the old environment goes into the new one.
quietly sh old.run -b -p "$env"
site=$(echo "$env"/lib/python*/site-packages)
mkdir -p "$env/notebooks/week 1"
echo "1,2" >"$env/notebooks/week 1/my-data.csv"
echo "x = 1" >"$site/helper.py"
"$env/bin/python" -c 'import helper'
echo "# changed" >>"$site/pygments/cmdline.py" # a package that the new environment does not have
expect 5 "--replace" sh new.run -b -p "$env"
echo "# changed" >>"$site/six.py"
for how in "" --check; do
    expect 5 "site-packages/six.py" sh new.run -b --replace $how -p "$env"
    "$env/bin/python" -c 'import six, pygments' || fail "--replace $how refused and changed something"
done
quietly sh old.run -b --repair -p "$env"
echo "# changed" >>"$site/pygments/cmdline.py"
expect 0 "notebooks" sh new.run -b --replace -p "$env"
[ "$(cat "$env/notebooks/week 1/my-data.csv")" = 1,2 ] || fail "--replace lost a user's file"
grep -q '^# changed' "$site/pygments/cmdline.py" || fail "--replace lost a changed file"
[ ! -e "$site/pygments/lexer.py" ] || fail "--replace left the old package"
"$env/bin/python" -c 'import helper, yaml'
quietly "$env/.tinderbox/stub" --integrity
[ "$(ls -A "$work" | grep -c tinderbox-old)" = 0 ] || fail "the old environment is left"
quietly sh old.run -b --replace --purge -p "$env"
[ ! -e "$env/notebooks" ] && [ ! -e "$site/helper.py" ] || fail "--purge kept files"

# A moved environment: every check says so, --repair makes its programs start.
moved="$work/a moved place"
mv "$env" "$moved"
[ "$(head -c 2 "$moved/bin/pygmentize")" = "#!" ] && ! "$moved/bin/pygmentize" -V >/dev/null 2>&1 || fail "a moved program starts"
for how in --integrity --verify-only --check ""; do
    expect 5 "was installed as '$env'" sh old.run -b $how -p "$moved"
done
expect 5 "was installed as '$env'" "$moved/.tinderbox/stub" --integrity
quietly sh old.run -b --repair -p "$moved"
"$moved/bin/pygmentize" -V >/dev/null || fail "--repair left a program that does not start"
! grep -rqF "$env/" "$moved/bin" "$moved/.tinderbox/installed" || fail "the old place is still named"
quietly sh old.run -b --verify-only -p "$moved"
quietly "$moved/.tinderbox/stub" --integrity
# A copy: its programs would run the other environment's. A link at the old place is no move.
cp -a "$moved" "$work/copy"
expect 5 "was installed as '$moved'" "$work/copy/.tinderbox/stub" --verify-only
mv "$moved" "$work/real" && ln -s "$work/real" "$moved"
quietly "$work/real/.tinderbox/stub" --integrity
quietly sh old.run -b --uninstall -p "$work/copy"
[ ! -e "$work/copy" ] || fail "a copy cannot be removed"

# An umask of 077, as root has it on hardened machines: other users can read and compare everything.
quietly "$tinderbox" build --pip six==1.17.0 --python-from "$python" --no-index --find-links "$links" --bytecode install -o compiled.run
(umask 077 && quietly sh compiled.run -b -p "$work/shared")
hidden=$(find "$work/shared" ! -type l ! -perm -004)
[ -z "$hidden" ] || fail "hidden by the umask: $(head -n 3 <<<"$hidden")"
(umask 022 && quietly sh compiled.run -b --private -p "$work/private")
[ -z "$(find "$work/private" ! -type l -path '*/lib/*' -perm /077)" ] || fail "--private shows files"
# What cannot be read is not what differs.
if [ "$(id -u)" = 0 ] && chmod 755 "$work" && as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups) && "${as_nobody[@]}" true 2>/dev/null; then
    chmod 600 "$work"/shared/lib/python*/site-packages/six.py
    expect 5 "six.py: cannot be read: Permission denied" "${as_nobody[@]}" "$work/shared/.tinderbox/stub" --integrity
    ! grep -q "not as installed" out || fail "an unreadable file is called different"
    { "${as_nobody[@]}" "$work/shared/.tinderbox/stub" --integrity --json 2>/dev/null || true; } | python3 -c '
import json, sys
found = json.load(sys.stdin)
assert not found["differences"] and len(found["unreadable"]) == 1, found'
fi
