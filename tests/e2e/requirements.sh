#!/usr/bin/env bash
# Reads two hundred small requirements files with pip's own parser and with ours; both must agree.
. "$(dirname "$0")/common.inc"
test_venv
"$venv/bin/python" "$root/tests/tools/compare_requirements.py" "$tinderbox" >"$work/compared" 2>"$work/errors" ||
    { cat "$work/compared"; tail -n 20 "$work/errors"; fail "a requirements file is read otherwise"; }
tail -n 1 "$work/compared"
