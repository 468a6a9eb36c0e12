#!/usr/bin/env bash
# Tinderbox must choose what uv chooses on the configured package index: the quick sets of
# tests/tools/resolver_cases.txt.
. "$(dirname "$0")/common.inc"
test_venv
"$venv/bin/python" "$root/tests/tools/compare_resolvers.py" "$tinderbox" "$venv/bin/uv" --reachable ||
    skip "the package index cannot be reached"

# debugpy's wheel is for every platform and holds a library for glibc 2.34, which it works without: what a build left in
# the cache does not change the answer.
cd "$work"
"$tinderbox" build --pip debugpy --python-from "$python" -o debugpy.run
"$tinderbox" lock --pip debugpy --pip-only --python 3.12 --target-glibc 2.28 -o debugpy.lock
"$venv/bin/python" "$root/tests/tools/compare_resolvers.py" "$tinderbox" "$venv/bin/uv" --default --jobs 4 --keep "$work/sets" ||
    fail "answers differ from uv's"
