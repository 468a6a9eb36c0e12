#!/usr/bin/env bash
# Included files: installed, listed, kept when changed, pinned by a lock; and -t, which imports packages.
. "$(dirname "$0")/common.inc"
conda_channel
cd "$work"
mkdir -p course/sub
echo notebook >course/a.ipynb
echo data >course/sub/b.txt
echo '{}' >one.json
ln -s sub/b.txt course/link
chmod 750 course/sub
quietly "$tinderbox" build "$channel/explicit-cpython.txt" --name lab --include course --include one.json:models/one.json -o with.run
quietly sh with.run -b -t -p "$work/with"
grep -q "2 modules of .* packages imported, 0 failed: tinder_noarch, tinder_noarch.other" with/.tinderbox/report.json || fail "-t did not import what tinder-noarch declares"
diff -r course with/share/lab/course && cmp one.json with/share/lab/models/one.json || fail "--include"
[ "$(readlink with/share/lab/course/link) $(stat -c %a with/share/lab/course/sub)" = "sub/b.txt 750" ] || fail "--include: link and mode"
sh with.run --list >listed
grep -q "models/one.json .*include" listed || fail "--list does not show what is included"
echo changed >>with/share/lab/course/a.ipynb
quietly sh with.run -b --uninstall -p "$work/with"
[ -e with/share/lab/course/a.ipynb ] && [ ! -e with/share/lab/models ] || fail "--uninstall and what rides along"

quietly "$tinderbox" lock "$channel/explicit.txt" --name lab --include course -o i.lock
echo more >>course/sub/b.txt
expect 2 "other contents of '$work/course'" "$tinderbox" build i.lock -o w.run
expect 2 "there is no 'nowhere'" "$tinderbox" build "$channel/explicit.txt" --include nowhere -o w.run
expect 2 "..' component" "$tinderbox" build "$channel/explicit.txt" --include course:../x -o w.run
ln -s /etc/passwd course/outside
expect 2 "leaves what is included" "$tinderbox" build "$channel/explicit.txt" --include course -o w.run
[ ! -e w.run ] || fail "a failed build left its file"
