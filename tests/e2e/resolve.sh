#!/usr/bin/env bash
# Tinderbox must choose what uv chooses on the configured package index: the quick sets of
# tests/tools/resolver_cases.txt.
. "$(dirname "$0")/common.inc"
test_venv
"$venv/bin/python" "$root/tests/tools/compare_resolvers.py" "$tinderbox" "$venv/bin/uv" --reachable ||
    skip "the package index cannot be reached"
"$venv/bin/python" "$root/tests/tools/compare_resolvers.py" "$tinderbox" "$venv/bin/uv" --default --jobs 4 --keep "$work/sets" ||
    fail "answers differ from uv's"
