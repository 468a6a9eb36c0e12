#!/usr/bin/env bash
# tinderbox build NEW --onto OLD.run: an update holds what the old environment lacks. Installed onto it, it leaves the tree
# that a fresh installation of NEW would leave; onto anything else it is refused before anything is written.
. "$(dirname "$0")/common.inc"
small_wheels
cd "$work"
# update_run FILE EARLIER REQUIREMENT…
update_run() {
    local file=$1 earlier=$2
    shift 2
    printf '%s\n' "$@" >requirements.txt
    quietly "$tinderbox" build requirements.txt --python-from "$python" --no-pip --no-index --find-links "$links" --onto "$earlier" -o "$file"
}
make_run old.run six==1.17.0 pygments==2.19.2 numpy==2.2.6
make_run new.run six==1.17.0 pyyaml==6.0.3 numpy==2.2.6 markupsafe==3.0.3
update_run update.run old.run six==1.17.0 pyyaml==6.0.3 numpy==2.2.6 markupsafe==3.0.3
grep -q "update for .old. (manifest" log || { cat log >&2; fail "the build does not say what the update is for"; }
env=$work/env
expect 0 "update  about" "$tinderbox" diff old.run new.run
small=$(stat -c %s update.run) whole=$(stat -c %s new.run)
echo "the whole installer has $whole bytes, the update $small"
[ "$small" -lt $((whole / 4)) ] || fail "the update has $small of $whole bytes"

# The same tree as a fresh installation, but for what names the installer.
fresh() { rm -rf "$env" "$work/expected" && quietly sh "$1" -b -p "$env"; }
same_tree() {
    diff -r --no-dereference --exclude=.tinderbox "$1" "$2" >differences || { head -n 20 differences >&2; fail "the update's tree differs"; }
    # Modes and times: not of directories, nor of bytecode that was compiled here.
    for tree in "$1" "$2"; do
        (cd "$tree" && find . -path ./.tinderbox -prune -o ! -type d -printf '%m %T@ %y %p\n' | sed -E 's/ [0-9]+\.0*[1-9][0-9]* / compiled /' | sort -k 4) >"$(basename "$tree").list"
    done
    cmp "$(basename "$1").list" "$(basename "$2").list" || { diff "$(basename "$1").list" "$(basename "$2").list" | head >&2; fail "modes or times differ"; }
}
fresh new.run
mv "$env" expected
quietly sh old.run -b -p "$env"
mkdir "$env/notebooks" && echo "1,2" >"$env/notebooks/my-data.csv"
expect 0 "update for" sh update.run --info
expect 0 "update for" "$tinderbox" inspect update.run
quietly sh update.run --verify-file
expect 0 "ok" sh update.run -b --check -p "$env"
quietly sh update.run -b -p "$env"
[ "$(cat "$env/notebooks/my-data.csv")" = 1,2 ] || fail "the update lost a user's file"
rm -r "$env/notebooks"
same_tree expected "$env"
quietly "$env/.tinderbox/stub" --integrity
quietly sh update.run -b --verify-only -p "$env"
"$env/bin/python" -c 'import six, yaml, numpy, markupsafe'
"$env/bin/python" -c 'import pygments' 2>/dev/null && fail "a package that is gone can be imported"
[ "$(ls -A "$work" | grep -c tinderbox-old)" = 0 ] || fail "the old environment is left"
expect 0 "was in place already" sh update.run -b -p "$env"

# An update onto an update: the next one serves both, the environment that was updated and the fresh one.
printf '%s\n' six==1.17.0 pyyaml==6.0.3 >requirements.txt
quietly "$tinderbox" build requirements.txt --python-from "$python" --no-pip --no-index --find-links "$links" --onto update.run --onto new.run -o next.run
make_run end.run six==1.17.0 pyyaml==6.0.3
quietly sh next.run -b -p "$env"
mv "$env" updated
fresh end.run
mv "$env" expected
same_tree expected updated
quietly sh new.run -b -p "$env"
quietly sh next.run -b -p "$env"
same_tree expected "$env"

# Refused before anything is written.
fresh new.run
expect 5 "update for 'old' (manifest" sh update.run -b -p "$env"
grep -q "holds 'new' (manifest" out || fail "what is there is not named"
for how in "" --check; do
    expect 5 "holds no environment of Tinderbox's" sh update.run -b $how -p "$work/nothing"
done
mkdir empty && expect 5 "holds no environment of Tinderbox's" sh update.run -b -u -p "$work/empty"
expect 2 "update for" sh update.run -b --extract "$work/files"
[ ! -e files ] || fail "an update was extracted"
fresh old.run
site=$(echo "$env"/lib/python*/site-packages)
cp -a "$env" before
echo "# changed" >>"$site/six.py"
rm "$site/numpy/version.py"
for how in "" --check "--replace --purge"; do
    expect 5 "six.py" sh update.run -b $how -p "$env"
    grep -q "numpy/version.py" out || fail "the missing file is not named"
done
quietly sh old.run -b --repair -p "$env"
rm -f "$site/six.py.tinderbox-old"
echo "# changed" >>"$site/pygments/cmdline.py" # which the new environment does not have
expect 0 "pygments/cmdline.py" sh update.run -b -p "$env"
grep -q '^# changed' "$site/pygments/cmdline.py" || fail "the update lost a changed file"
expect 5 "does not hold" sh -c 'rm "$1"; sh update.run -b --repair -p "$2"' - "$site/six.py" "$env"
mv "$env" moved
expect 5 "was installed as" sh update.run -b -p "$work/moved"

# Bad words to build.
head -c 4000000 old.run >cut.run
for earlier in "requirements.txt' is not a Tinderbox installer" "cut.run' again" "nothing.run': No such file"; do
    file=${earlier%%[\':]*}
    status=0
    "$tinderbox" build requirements.txt --python-from "$python" --onto "$file" -o bad.run >out 2>&1 || status=$?
    [ $status -gt 1 ] && grep -qF "$earlier" out || { cat out >&2; fail "--onto $file: exit status $status"; }
done
[ ! -e bad.run ] || fail "a refused build left a file"

# Killed at any moment: the old environment or the new one, and the same command ends it.
moments=${TINDERBOX_KILLS:-8} killed=0
for ((i = 0; i < moments; i++)); do
    rm -rf "$env" && cp -a before "$env"
    setsid sh update.run -b -p "$env" >/dev/null 2>&1 &
    pid=$!
    sleep "$(printf '0.%03d' $((30 + i * 900 / moments)))"
    kill -KILL -- "-$pid" 2>/dev/null && killed=$((killed + 1))
    wait $pid 2>/dev/null || true
    if [ -e "$env" ]; then
        "$env/bin/python" -B -c 'import six, numpy' || fail "killed: neither the old environment nor the new one is there"
        "$env/bin/python" -B -c 'import pygments' 2>/dev/null || "$env/bin/python" -B -c 'import yaml' || fail "killed: a mixture"
    fi
    quietly sh update.run -b -p "$env"
    [ "$(ls -A "$work" | grep -c 'tinderbox-')" = 0 ] || fail "something is left beside the environment: $(ls -A "$work")"
    [ -e expected ] || cp -a "$env" expected
    same_tree expected "$env"
done
echo "$killed of $moments updates were killed on the way"
