#!/usr/bin/env bash
# Other tools' locks: what is read of real files is what py-rattler, packaging, uv and plain YAML and TOML readers find in them.
. "$(dirname "$0")/common.inc"
data=${TINDERBOX_TESTDATA:-$root/../shared/testdata}/locks
[ -d "$data" ] || skip "no test data at $data (TINDERBOX_TESTDATA)"
test_venv

"$venv/bin/python" "$root/tests/tools/compare_locks.py" "$tinderbox" "$data" >"$work/compared" || { cat "$work/compared"; fail "a lock is read otherwise"; }
cat "$work/compared"
[ "$(grep -c 'agree$\|requirements$' "$work/compared")" -ge 18 ] || fail "fewer than 18 files were compared"
