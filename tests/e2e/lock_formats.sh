#!/usr/bin/env bash
# lock --format: the tool of each format reads it back.
. "$(dirname "$0")/common.inc"
test_venv
cd "$work"

formats() { # LOCK: writes it in every format, and reads it back
    local format
    for format in explicit conda-lock pylock requirements; do
        "$tinderbox" lock "$1" --format $format -o "out.$format" --offline 2>/dev/null || fail "lock --format $format"
    done
    cp out.pylock pylock.toml
    "$venv/bin/python" "$root/tests/tools/read_exports.py" "$1" out.explicit out.conda-lock pylock.toml out.requirements ||
        fail "a format says something else than the lock"
}

urls() { # LOCK
    python3 -c 'import json,sys; print("\n".join(sorted(a["url"]+a["sha256"] for a in json.load(open(sys.argv[1]))["artifacts"])))' "$1"
}

# Conda packages and wheels, without network. The real lock has 380 and 22 of them.
sources=("$root/tests/data/locks/pixi-v6.lock")
real_data locks && sources+=("$data/069-pixi-v6.lock")
for source in "${sources[@]}"; do
    "$tinderbox" lock "$source" --offline -o pixi.lock 2>/dev/null || fail "lock of $source"
    formats pixi.lock
    # Our own reader of conda-lock.yml gives the same lock.
    "$tinderbox" lock out.conda-lock --offline -o again.lock 2>/dev/null || fail "lock of our conda-lock.yml"
    [ "$(urls pixi.lock)" = "$(urls again.lock)" ] || fail "the conda-lock.yml became another lock"
done
expect 2 "--format yaml: it is tinderbox, explicit" "$tinderbox" lock pixi.lock --format yaml

# Wheels in a directory: c has two versions.
python3 "$root/tests/fixtures/make_small_wheels.py" links a/1/b b/1 c/1 c/2 d/1 "d/2//>=3.11.2"
printf '%s\n' '--no-index' '--find-links links' a 'c<2' >r.txt
lock() { "$tinderbox" lock "$@" --python 3.11 --pip-only; }
lock r.txt -o demo.lock 2>/dev/null
formats demo.lock
cp demo.lock first.lock
expect 0 "every package is as demo.lock had it" "$tinderbox" lock r.txt --python 3.11 --pip-only -o demo.lock
cmp demo.lock first.lock || fail "two locks of one request differ"
# pip reads the requirements and the pylock.toml, with the hashes.
PIP_NO_INDEX=1 "$venv/bin/pip" install --dry-run --ignore-installed --no-deps --require-hashes -r out.requirements >pip.log 2>&1 ||
    { cat pip.log; fail "pip does not install from --format requirements"; }
grep -q 'Would install a-1 b-1 c-1' pip.log || { cat pip.log; fail "pip would install something else"; }
PIP_NO_INDEX=1 "$venv/bin/pip" install --dry-run --ignore-installed -r pylock.toml >pip.log 2>&1 || { cat pip.log; fail "pip does not install from --format pylock"; }
grep -q 'Would install a-1 b-1 c-1' pip.log || { cat pip.log; fail "pip would install something else from the pylock.toml"; }

# --python 3.11 means the newest 3.11, as in conda; uv takes the first. A full version means that version.
echo d | cat - <(printf '%s\n' '--no-index' '--find-links links') >d.txt
expect 0 "the newest 3.11 known here" "$tinderbox" lock d.txt --python 3.11 --pip-only -o d.lock
grep -q '"version": "2"' d.lock || fail "--python 3.11 is taken for 3.11.0"
quietly "$tinderbox" lock d.txt --python 3.11.0 --pip-only -o d0.lock
grep -q '"version": "1"' d0.lock || fail "--python 3.11.0 is taken for another one"
