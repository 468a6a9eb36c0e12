#!/usr/bin/env bash
# Requirements files are read as pip reads them: two hundred small ones through pip's own parser and through ours.
. "$(dirname "$0")/common.inc"
test_venv
"$venv/bin/python" "$root/tests/tools/compare_requirements.py" "$tinderbox" >"$work/compared" 2>"$work/errors" ||
    { cat "$work/compared"; tail -n 20 "$work/errors"; fail "a requirements file is read otherwise"; }
tail -n 1 "$work/compared"
