#!/usr/bin/env bash
# Damage after the installation is found without the .run and repaired with it; a killed installation continues.
. "$(dirname "$0")/common.inc"
small_wheels
cd "$work"
make_run good.run six==1.17.0 numpy==2.2.6
env=$work/env
quietly sh good.run -b -p "$env"
files() { (cd "$1" && find . -path ./.tinderbox -prune -o -type f ! -name '*.pyc' -print | LC_ALL=C sort); }
files "$env" >whole

quietly "$env/.tinderbox/stub" --integrity
core=$(find "$env" -name '_multiarray_umath*.so')
truncate -s 1000 "$core"
rm "$env"/lib/python*/site-packages/six.py
echo mine >"$env/mine.txt"
"$env/bin/python" -c 'import numpy' 2>/dev/null && fail "a cut extension module is imported"
expect 5 "six.py: missing" "$env/.tinderbox/stub" --integrity
expect 5 "_multiarray_umath" sh good.run --integrity -p "$env"
expect 5 "does not hold this installer's environment" sh good.run --repair -p "$work/nothing"
expect 0 "2 restored" sh good.run --repair -p "$env"
"$env/bin/python" -c 'import numpy, six'
[ "$(cat "$env/mine.txt")" = mine ] || fail "the repair took the user's file"
[ "$(stat -c %s "$core.tinderbox-old")" = 1000 ] || fail "what was in the place of the module is gone"
[ "$(find "$env" -name '*.tinderbox-old*' | wc -l)" = 1 ] || fail "more was kept than one file"
rm "$env/mine.txt" "$core.tinderbox-old"
quietly "$env/.tinderbox/stub" --integrity

# Killed when a number of files is written, larger each time; the next run completes the prefix.
written() { find "$work"/.killed.tinderbox-stage-* -type f 2>/dev/null | wc -l; }
killed=0
for count in 1 300 1500; do
    stop_when "[ \$(written) -ge $count ]" sh good.run -b -p "$work/killed" --jobs 1 || break # it ended before the kill
    kill -KILL -- "-$pid"
    status=0
    wait "$pid" 2>/dev/null || status=$?
    [ "$status" = 137 ] && [ ! -e killed ] || fail "kill -9 ended with $status"
    killed=$((killed + 1))
done
[ "$killed" != 0 ] || fail "no installation could be killed: all were too fast"
[ -e killed ] || quietly sh good.run -b -p "$work/killed"
files killed | diff whole - || fail "files are missing after $killed kills"
quietly killed/.tinderbox/stub --integrity
