#!/usr/bin/env bash
# A NAME.run that was cut or changed: exit 4, what is damaged, and nothing left behind. Interrupted and killed
# installations go on; prefixes that cannot be used are refused before anything is written.
. "$(dirname "$0")/common.inc"
small_wheels
printf 'six==1.17.0\nnumpy==2.2.6\n' >"$work/requirements.txt"
"$tinderbox" build "$work/requirements.txt" --python-from "$python" --no-index --find-links "$links" -o "$work/good.run" 2>"$work/build.log" ||
    { cat "$work/build.log"; fail "the build failed"; }
size=$(stat -c %s "$work/good.run")

nothing_left() { [ ! -e "$work/p" ] && [ -z "$(find "$work" -maxdepth 1 -name '.p*')" ] || fail "something is left behind: $(ls -a "$work")"; }

# Cut copies, from the last byte to less than the header.
for share in 99.99 90 50 10 1; do
    cut=$(awk -v s="$size" -v p="$share" 'BEGIN { printf "%d", s * p / 100 }')
    head -c "$cut" "$work/good.run" >"$work/cut.run"
    expect 4 "incomplete: $cut of $size bytes" sh "$work/cut.run" -b -p "$work/p"
    nothing_left
done
head -c $((size - 1)) "$work/good.run" >"$work/cut.run"
expect 4 "incomplete" sh "$work/cut.run" -b -p "$work/p"
rm "$work/cut.run"

# A byte flipped in every section but the stub and the header, which run before anything can be checked.
"$tinderbox" inspect "$work/good.run" --json >"$work/manifest.json"
python3 - "$work/manifest.json" >"$work/sections" <<'END'
import json, sys
for s in json.load(open(sys.argv[1]))["sections"]:
    if s["size"] and s["name"] not in ("signature",):
        for part in (0.1, 0.5, 0.9):
            print(s["name"], s["offset"] + int(s["size"] * part))
END
while read -r section offset; do
    cp "$work/good.run" "$work/bad.run"
    python3 - "$work/bad.run" "$offset" <<'END'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2])); b = f.read(1)
    f.seek(int(sys.argv[2])); f.write(bytes([b[0] ^ 0x20]))
END
    expect 4 "" "$tinderbox" verify "$work/bad.run"
    case $section in
        header | stub | probe:* | padding | licenses) continue ;;
        manifest | table | footer | blocks) expect 4 "damaged" sh "$work/bad.run" -b -p "$work/p"; nothing_left ;;
    esac
done <"$work/sections"
rm "$work/bad.run"

# Prefixes.
mkdir "$work/full"; touch "$work/full/file"
expect 5 "$work/full" sh "$work/good.run" -b -p "$work/full"
expect 5 "$work/full/file" sh "$work/good.run" -b -p "$work/full/file"
[ "$(ls -A "$work/full")" = file ] || fail "a refused prefix was changed"
expect 2 "" sh "$work/good.run" --no-such-option
(cd "$work" && sh ./good.run -b -p relative/prefix >"$work/log" 2>&1) || { cat "$work/log"; fail "a relative prefix is refused"; }
"$work/relative/prefix/bin/python" -c 'import numpy'
# shellcheck disable=SC2088
sh "$work/good.run" -b -p '~/in-home' >"$work/log" 2>&1 || { cat "$work/log"; fail "~ is refused"; }
"$HOME/in-home/bin/python" -c 'import six'
mkdir "$work/empty"
sh "$work/good.run" -b -p "$work/empty" -f >"$work/log" 2>&1 || { cat "$work/log"; fail "an empty directory is refused"; }
"$work/empty/bin/python" -c 'import numpy'
sh "$work/good.run" -b -p "$work/full" -f >"$work/log" 2>&1 || { cat "$work/log"; fail "-f into a directory with a foreign file is refused"; }
[ -e "$work/full/file" ] || fail "a foreign file is gone"

# A disk that is too small says so before anything is written (needs to mount a tmpfs).
if mkdir "$work/small" && mount -t tmpfs -o size=8m none "$work/small" 2>/dev/null; then
    expect 5 "" sh "$work/good.run" -b -p "$work/small/p"
    [ -z "$(ls -A "$work/small")" ] || fail "something is left on the full disk"
    umount "$work/small"
else
    echo "note: no tmpfs can be mounted here; the full disk was not tried"
fi

# Damaged after the installation: found without the .run, repaired with it.
env=$work/empty
"$env/.tinderbox/stub" --integrity >"$work/log" 2>&1 || { cat "$work/log"; fail "a fresh environment is found damaged"; }
core=$(find "$env" -name '_multiarray_umath*.so')
truncate -s 1000 "$core"
rm "$env"/lib/python*/site-packages/six.py
echo mine >"$env/mine.txt"
"$env/bin/python" -c 'import numpy' 2>/dev/null && fail "a cut extension module is imported"
expect 5 "six.py: missing" "$env/.tinderbox/stub" --integrity
expect 5 "_multiarray_umath" sh "$work/good.run" --integrity -p "$env"
expect 5 "does not hold this installer's environment" sh "$work/good.run" --repair -p "$work/nothing"
sh "$work/good.run" --repair -p "$env" >"$work/log" 2>&1 || { cat "$work/log"; fail "the repair failed"; }
grep -q '2 restored' "$work/log" || { cat "$work/log"; fail "not exactly the two files were restored"; }
"$env/bin/python" -c 'import numpy, six'
[ "$(cat "$env/mine.txt")" = mine ] || fail "the repair took the user's file"
rm "$env/mine.txt"
"$env/.tinderbox/stub" --integrity >"$work/log" 2>&1 || { cat "$work/log"; fail "the repair left something damaged"; }

# Killed in the middle, then run again: whole.
for delay in 0.05 0.15 0.3; do
    sh "$work/good.run" -b -p "$work/killed" >/dev/null 2>&1 &
    pid=$!
    sleep "$delay"
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
done
status=0
sh "$work/good.run" -b -p "$work/killed" >"$work/log" 2>&1 || status=$?
# Finished before the kill: then the prefix is there and whole.
[ "$status" = 0 ] || grep -q 'exists' "$work/log" || { cat "$work/log"; fail "going on after kill -9 ended with $status"; }
(cd "$work/killed" && find . -path ./.tinderbox -prune -o -type f ! -name '*.pyc' -print | LC_ALL=C sort | xargs -d '\n' sha256sum | grep -v conda-meta) | sed 's/killed/P/' >"$work/a"
(cd "$work/empty" && find . -path ./.tinderbox -prune -o -type f ! -name '*.pyc' -print | LC_ALL=C sort | xargs -d '\n' sha256sum | grep -v conda-meta) | sed 's/empty/P/' >"$work/b"
[ "$(cut -c 67- "$work/a")" = "$(cut -c 67- "$work/b")" ] || fail "files are missing after kill -9: $(diff <(cut -c 67- "$work/a") <(cut -c 67- "$work/b") | head -5)"
echo "damage: every cut and flip was found; prefixes, full disk and kill -9 behaved"
