#!/usr/bin/env bash
# Compares the answers of Tinderbox, uv and, for this machine's Python, pip on all sets of
# tests/tools/resolver_cases.txt.
. "$(dirname "$0")/../common.inc"
test_venv
"$venv/bin/python" "$root/tests/tools/compare_resolvers.py" "$tinderbox" "$venv/bin/uv" --reachable ||
    skip "the package index cannot be reached"
"$venv/bin/python" "$root/tests/tools/compare_resolvers.py" "$tinderbox" "$venv/bin/uv" --pip --jobs 2 --keep "$work/sets" ||
    fail "answers differ"
