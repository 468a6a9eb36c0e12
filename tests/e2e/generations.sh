#!/usr/bin/env bash
# --keep leaves the environment that was replaced beside the new one, --rollback brings it back in one step. What the user
# added is always in the environment that is there.
. "$(dirname "$0")/common.inc"
small_wheels
cd "$work"
make_run one.run six==1.17.0 numpy==2.2.6
make_run two.run six==1.17.0 pyyaml==6.0.3
printf '%s\n' six==1.17.0 numpy==2.2.6 markupsafe==3.0.3 >requirements.txt
quietly "$tinderbox" build requirements.txt --python-from "$python" --no-pip --no-index --find-links "$links" --onto one.run -o update.run
env=$work/env
has() { "$env/bin/python" -B -c "import $1" 2>/dev/null; }
list_of() { (cd "$1" && find . -path ./.tinderbox -prune -o -printf '%m %y %p %l\n' | sort -k 3 && find . -path ./.tinderbox -prune -o -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum); }

quietly sh one.run -b -p "$env"
list_of "$env" >first
expect 5 "no earlier environment" sh one.run --rollback -p "$env"
expect 2 "--keep goes with --replace" sh one.run -b --keep 2 -p "$work/other"
expect 2 "--keep needs a number" sh one.run -b --replace --keep some -p "$env"
quietly sh two.run -b --replace --keep 2 -p "$env"
grep -q "is generation 1" log || { cat log >&2; fail "the installation does not say where the old environment is"; }
has yaml && ! has numpy || fail "--replace --keep did not replace"
[ -d .env.tinderbox-generation-1 ] || fail "the old environment is not kept"
echo notes >"$env/notes.txt"
expect 0 "GENERATION  NAME" "$env/.tinderbox/stub" --generations
grep -q "^1 *one " out || fail "the generation is not listed"
sh two.run --generations --json -p "$env" | python3 -c '
import json, sys
found = json.load(sys.stdin)["generations"]
assert len(found) == 1 and found[0]["generation"] == 1 and found[0]["name"] == "one" and found[0]["bytes"] > 10**7, found'

# Back, and back again: the environments change places, the notes stay where the user works.
expect 0 "generation 1" "$env/.tinderbox/stub" --rollback
has numpy && ! has yaml || fail "--rollback brought nothing back"
[ "$(cat "$env/notes.txt")" = notes ] || fail "--rollback lost a file"
rm "$env/notes.txt"
list_of "$env" | diff first - || fail "not the environment that was there"
quietly "$env/.tinderbox/stub" --integrity
expect 0 "generation 1" sh one.run --rollback -p "$env"
has yaml || fail "the second --rollback brought nothing back"
expect 0 "generation 1" sh two.run --rollback 1 -p "$env"
has numpy || fail "--rollback 1 brought nothing back"
expect 5 "no generation 9" sh two.run --rollback=9 -p "$env"
expect 2 "--rollback takes the number" sh two.run --rollback=x -p "$env"

# An update shares what stays: the generation has hardly a byte of its own.
rm -rf "$env" .env.tinderbox-*
quietly sh one.run -b -p "$env"
quietly sh update.run -b --keep 3 -p "$env"
sh update.run --generations --json -p "$env" | python3 -c '
import json, sys
one, = json.load(sys.stdin)["generations"]
assert one["shared_bytes"] > 20 * one["bytes"], one'
quietly "$env/.tinderbox/stub" --integrity
quietly "$env/.tinderbox/stub" --rollback
list_of "$env" | diff first - || fail "not the environment before the update"
quietly sh update.run -b --rollback -p "$env"
has markupsafe || fail "the update did not come back"
# Three are kept, the oldest goes.
for installer in one two one two; do quietly sh $installer.run -b --replace --keep 3 -p "$env"; done
[ "$(ls -d .env.tinderbox-generation-* | wc -l)" = 3 ] || fail "not three generations: $(ls -A)"

# Another user's is not looked at, and does not take the next number.
if [ "$(id -u)" = 0 ]; then
    cp -a "$(ls -d .env.tinderbox-generation-* | head -n 1)" .env.tinderbox-generation-900
    chown -R 12345 .env.tinderbox-generation-900
    ! sh one.run --generations -p "$env" | grep -q 900 || fail "another user's generation is listed"
    expect 5 "no generation 900" sh one.run --rollback 900 -p "$env"
    quietly sh one.run -b --replace --keep 3 -p "$env"
    quietly sh two.run -b --replace --keep 3 -p "$env"
    [ -d .env.tinderbox-generation-900 ] && [ -d .env.tinderbox-generation-902 ] || fail "generations: $(ls -A)"
    rm -r .env.tinderbox-generation-900
fi

# Bad ones: changed, of another place, in the way of the user's files.
newest=$(ls -d .env.tinderbox-generation-* | sort -V | tail -n 1)
site=$(echo "$newest"/lib/python*/site-packages)
cp "$site/six.py" six.py
echo "# changed" >>"$site/six.py"
expect 5 "site-packages/six.py' " sh two.run --rollback -p "$env"
has yaml || fail "a refused --rollback changed something"
cp -p six.py "$site/six.py" && touch -d @315532800 "$site/six.py"
mkdir -p "$env/lib/python-of-mine" && echo "# mine" >>"$env"/lib/python*/site-packages/six.py
expect 5 "six.py" sh two.run --rollback -p "$env"
expect 0 "is back" sh two.run --rollback --purge -p "$env"
[ ! -e "$env/lib/python-of-mine" ] || fail "--purge carried something over"
expect 0 "is back" sh two.run --rollback -f --purge -p "$env"
[ -d "$env/lib/python-of-mine" ] || fail "what was left behind is gone"

# Killed at any moment: one whole environment is there, and the same command ends it.
rm -rf "$env" .env.tinderbox-*
quietly sh one.run -b -p "$env"
quietly sh two.run -b --replace --keep 2 -p "$env"
echo notes >"$env/notes.txt"
for ((i = 0; i < 10; i++)); do
    setsid sh two.run --rollback -p "$env" >/dev/null 2>&1 &
    pid=$!
    sleep "$(printf '0.%03d' $((20 + i * 40)))"
    kill -KILL -- "-$pid" 2>/dev/null || true
    wait $pid 2>/dev/null || true
    has six || fail "killed: no environment is there"
    if [ -d .env.tinderbox-old ]; then quietly sh two.run --rollback -p "$env"; fi
    [ "$(cat "$env/notes.txt")" = notes ] || fail "killed: the user's file is gone"
done
# --uninstall --purge takes them.
quietly "$env/.tinderbox/stub" --uninstall --purge -b
[ -z "$(ls -d .env* env 2>/dev/null)" ] || fail "--uninstall --purge left $(ls -dA .env* env)"
