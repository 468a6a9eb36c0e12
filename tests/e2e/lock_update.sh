#!/usr/bin/env bash
# lock --update of wheels, and a request that changed since the lock was made.
. "$(dirname "$0")/common.inc"
cd "$work"
lock() { "$tinderbox" lock "$@" --python 3.11 --pip-only; }
python3 "$root/tests/fixtures/make_small_wheels.py" links a/1/b b/1 c/1 c/2
printf '%s\n' '--no-index' '--find-links links' a 'c<2' >r.txt
quietly lock r.txt -o demo.lock

# A newer b appears and the request changes: a comment is no change, a line is reported, --update moves only its
# package.
printf '# the same\n' >>r.txt
lock demo.lock --plan >/dev/null 2>plan.log
grep -q "has changed" plan.log && fail "a comment counts as a change"
printf '%s\n' '--no-index' '--find-links links' a c >r.txt
python3 "$root/tests/fixtures/make_small_wheels.py" links b/2
expect 0 "r.txt has changed since demo.lock was made; 'tinderbox lock r.txt -o demo.lock' follows it" "$tinderbox" lock demo.lock
expect 0 "request changed since demo.lock was written: + c, - c<2" "$tinderbox" lock demo.lock --update c --python 3.11 --pip-only
grep -q 'changed c 1 → 2' "$work/out" || { cat "$work/out"; fail "--update c did not take c 2"; }
grep -q 'changed b' "$work/out" && fail "--update c moved b"
expect 0 "changed b 1 → 2" "$tinderbox" lock r.txt -o demo.lock --python 3.11 --pip-only
expect 2 "--update nope: neither demo.lock nor the request has such a package" "$tinderbox" lock r.txt -o demo.lock --update nope --python 3.11 --pip-only
expect 2 "there is no lock to update" "$tinderbox" lock r.txt --update b --python 3.11 --pip-only
rm r.txt
expect 2 "it answers 'r.txt', which is not there" "$tinderbox" lock demo.lock --update b --python 3.11 --pip-only
