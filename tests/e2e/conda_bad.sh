#!/usr/bin/env bash
# Invalid conda packages: each is refused with its name and the reason, and no file remains.
. "$(dirname "$0")/common.inc"
cd "$work"
bad() { expect 2 "bad-1.0-0.tar.bz2" "$tinderbox" build bad.txt -o w.run; }
printf '@EXPLICIT\n%s\n' "$work/bad-1.0-0.tar.bz2" >bad.txt
for case in version:info/paths.json json:info/paths.json missing:share/not-there leaves:../outside link:share/link device:share/device; do
    python3 "$root/tests/fixtures/make_bad_package.py" "${case%%:*}"
    bad
    grep -qF -- "${case#*:}" out || { cat out; fail "'${case#*:}' is not named (${case%%:*})"; }
done
python3 "$root/tests/fixtures/make_bad_package.py" version
head -c 100 bad-1.0-0.tar.bz2 >cut && mv cut bad-1.0-0.tar.bz2
bad
echo '<html>log in</html>' >bad-1.0-0.tar.bz2
bad
[ ! -e w.run ] || fail "a failed build left its file"
