#!/usr/bin/env bash
# An index with a login: the password is used and stored nowhere; ~/.netrc works, too. A lock gives the same bytes.
. "$(dirname "$0")/index.inc"
lock() { "$tinderbox" lock "$@"; }
quietly build --index-url "$with_login" -o c.run
cp log kept.log
quietly lock r.txt --python-from "$python" --no-pip --index-url "$with_login" -o c.lock
cat log >>kept.log
quietly sh c.run -b -p "$work/env"
"$tinderbox" inspect c.run --json >c.json
if grep -rlaE 'canary|s3cret' c.run c.run.sha256 c.lock c.json log kept.log env cache; then fail "a credential was left in these files"; fi

printf 'machine 127.0.0.1\nlogin canary\npassword s3cret\n' >"$HOME/.netrc"
chmod 600 "$HOME/.netrc"
rm -rf cache
quietly build --index-url "$closed/simple/" -o c.run

# A lock in place of the request: the same bytes, and its packages are the installed ones.
mkdir d e
quietly "$tinderbox" build c.lock -o d/c.run
quietly lock r.txt --python-from "$python" --no-pip --index-url "$closed/simple/" -o c2.lock
cmp c.lock c2.lock || fail "two locks of one request differ"
quietly "$tinderbox" build c.lock -o e/c.run
cmp d/c.run e/c.run || fail "two builds of one lock differ"
python3 - c.lock <<'END'
import json, sys
lock = json.load(open(sys.argv[1]))
assert {a["name"] for a in lock["artifacts"]} == {"six", "markupsafe", "pygments"} and all(a["sha256"] for a in lock["artifacts"]), lock
next(a for a in lock["artifacts"] if a["name"] == "six")["sha256"] = "0" * 64
json.dump(lock, open("bad.lock", "w"))
lock["tinderbox_lock"] = 99
json.dump(lock, open("new.lock", "w"))
END
TINDERBOX_CACHE=$work/other expect 8 "was expected; the file was changed or damaged" "$tinderbox" build bad.lock -o x.run
expect 2 "99" "$tinderbox" build new.lock -o x.run
[ ! -e x.run ] || fail "a failed build left a file"

# Only the pip part, for a Python that this machine lacks: only the needed parts of the wheels are downloaded.
export TINDERBOX_CACHE=$work/pip-only
expect 9 "markupsafe" lock r.txt --pip-only --python 3.9 --index-url "$closed/simple/" -o p.lock
printf 'six\npygments\n' >p.txt
quietly lock p.txt --pip-only --python 3.9 --index-url "$closed/simple/" -o p.lock
grep -q '"name": "pygments"' p.lock || fail "pygments is not in the lock"
expect 2 "--python" lock p.txt --pip-only --index-url "$closed/simple/"
