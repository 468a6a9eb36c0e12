#!/usr/bin/env bash
# All requirement sets of tests/tools/resolver_cases.txt: ours, uv's and, for this machine's Python, pip's answers.
. "$(dirname "$0")/../common.inc"
test_venv
"$venv/bin/python" "$root/tests/tools/compare_resolvers.py" "$tinderbox" "$venv/bin/uv" --reachable ||
    skip "the package index cannot be reached"
"$venv/bin/python" "$root/tests/tools/compare_resolvers.py" "$tinderbox" "$venv/bin/uv" --pip --jobs 2 --keep "$work/sets" ||
    fail "answers differ"
