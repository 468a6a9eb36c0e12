#!/usr/bin/env bash
# Wheels from an index: HTML and JSON pages, a login, failures, --offline; a lock that gives the same bytes; and no
# credential anywhere in what is left behind.
. "$(dirname "$0")/common.inc"
small_wheels
cd "$work"
export TINDERBOX_CACHE=$work/cache
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE
printf 'six==1.17.0\nmarkupsafe==3.0.3\npygments==2.19.2\n' >r.txt

serve() { # the server ends when its standard input does
    mkfifo "$work/hold$1"
    python3 "$root/tests/tools/simple_index.py" "$links" ${2:+"$2"} <"$work/hold$1" >"$work/port$1" &
    eval "exec $1>\"\$work/hold$1\""
    for _ in $(seq 100); do [ -s "$work/port$1" ] && break; sleep 0.05; done
    port=$(cat "$work/port$1")
}
serve 7
open=$port
serve 8 canary:s3cret
closed=$port
build() { "$tinderbox" build r.txt --python-from "$python" "$@"; }

build --index-url "http://127.0.0.1:$open/simple/" -o a.run >log 2>&1 || { cat log; fail "the index was not understood"; }
build --index-url "http://127.0.0.1:$open/broken/" -o b.run >log 2>&1 || { cat log; fail "an index that failed twice ends the build"; }
expect 8 "login" build --index-url "http://127.0.0.1:$open/login/" -o x.run
expect 8 "401" build --index-url "http://127.0.0.1:$closed/simple/" -o x.run
expect 8 "404 Not Found" build --index-url "http://127.0.0.1:$open/gone/" -o x.run
expect 8 "is plain http" build --index-url "http://198.51.100.1/simple/" -o x.run
# Indexes that mean no good: nothing is taken of them, and they are told apart from one that lacks the package.
hostile() { expect 8 "$2" env TINDERBOX_CACHE="$work/hostile" "$tinderbox" build r.txt --python-from "$python" --index-url "http://127.0.0.1:$open/$1/" -o x.run; }
hostile loop "redirects in a circle"
hostile bomb "the answer is larger than 268 MB, the most that is taken of it"
hostile null "JSON that is no package index (no list 'files')"
hostile odd "JSON that is no package index (no list 'files')"
hostile liar "was expected; the file was changed or damaged"
build --index-url "http://127.0.0.1:$open/simple/" --offline -o offline.run >log 2>&1 ||
    { cat log; fail "--offline does not find what was downloaded"; }
TINDERBOX_CACHE=$work/empty expect 8 "--offline" build --index-url "http://127.0.0.1:$open/simple/" --offline -o x.run
[ ! -e x.run ] || fail "a failed build left a file"

# With a login: it is used, and it is nowhere afterwards.
rm -rf "$work/cache"
build --index-url "http://canary:s3cret@127.0.0.1:$closed/simple/" -o c.run >log 2>&1 || { cat log; fail "credentials in the URL are not used"; }
"$tinderbox" lock r.txt --python-from "$python" --index-url "http://canary:s3cret@127.0.0.1:$closed/simple/" -o c.lock >>log 2>&1
sh c.run -b -p "$work/env" >>log 2>&1 || { cat log; fail "installing failed"; }
"$tinderbox" inspect c.run --json >c.json
if grep -rlaE 'canary|s3cret' c.run c.run.sha256 c.lock c.json log env cache; then fail "a credential was left in these files"; fi

# netrc does as well.
printf 'machine 127.0.0.1\nlogin canary\npassword s3cret\n' >"$HOME/.netrc"
chmod 600 "$HOME/.netrc"
rm -rf "$work/cache"
build --index-url "http://127.0.0.1:$closed/simple/" -o c.run >log 2>&1 || { cat log; fail "~/.netrc is not used"; }

# A lock answers for the request: the same bytes, and what it says is what was installed.
mkdir -p d e
"$tinderbox" build c.lock -o d/c.run >log 2>&1 || { cat log; fail "the lock cannot be built"; }
"$tinderbox" lock r.txt --python-from "$python" --index-url "http://127.0.0.1:$closed/simple/" -o c2.lock >log 2>&1
cmp c.lock c2.lock || fail "two locks of one request differ"
"$tinderbox" build c.lock -o e/c.run >log 2>&1
cmp d/c.run e/c.run || fail "two builds of one lock differ"
"$tinderbox" inspect c.lock --json | python3 -c '
import json, sys
lock = json.load(sys.stdin)
names = {p["name"]: p for p in lock["packages"]}
assert set(names) == {"six", "markupsafe", "pygments"}, names
assert all(p["sha256"] for p in names.values())
'
sed 's/"sha256": "[0-9a-f]\{4\}/"sha256": "0000/' c.lock >bad.lock
status=0
"$tinderbox" build bad.lock -o x.run >log 2>&1 || status=$?
case $status in 2 | 8) ;; *) cat log; fail "a lock with a wrong hash ended with $status" ;; esac
sed 's/"tinderbox_lock": 1/"tinderbox_lock": 99/' c.lock >new.lock
expect 2 "99" "$tinderbox" build new.lock -o x.run

# Only the pip half, for a Python that is not here: nothing is downloaded but what is read of the wheels.
TINDERBOX_CACHE=$work/pip-only "$tinderbox" lock r.txt --pip-only --python 3.9 --index-url "http://127.0.0.1:$closed/simple/" -o p.lock >log 2>&1 &&
    fail "markupsafe has no wheel for Python 3.9 here"
printf 'six\npygments\n' >p.txt
TINDERBOX_CACHE=$work/pip-only "$tinderbox" lock p.txt --pip-only --python 3.9 --index-url "http://127.0.0.1:$closed/simple/" -o p.lock >log 2>&1 ||
    { cat log; fail "lock --pip-only needs no interpreter"; }
grep -q '"name": "pygments"' p.lock || fail "pygments is not in the lock"
expect 2 "--python" "$tinderbox" lock p.txt --pip-only --index-url "http://127.0.0.1:$closed/simple/"

# The same environment with its bytecode compiled on the other machine.
build --index-url "http://127.0.0.1:$closed/simple/" --bytecode install -o late.run >log 2>&1
sh late.run -b -p "$work/late" >log 2>&1 || { cat log; fail "--bytecode install does not install"; }
[ -n "$(find "$work/late/lib" -path '*site-packages*' -name 'six*.pyc')" ] || fail "no bytecode was compiled at the target"
echo "index: HTML, JSON, login, failures, offline, lock; no credential was left anywhere"
