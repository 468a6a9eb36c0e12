#!/usr/bin/env bash
# Other tools' locks: our readers agree with py-rattler, packaging, uv and plain YAML and TOML readers.
. "$(dirname "$0")/common.inc"
test_venv
directories=("$root/tests/data/locks")
real_data locks && directories+=("$data")

"$venv/bin/python" "$root/tests/tools/compare_locks.py" "$tinderbox" "${directories[@]}" >"$work/compared" ||
    { cat "$work/compared"; fail "a lock is read otherwise"; }
cat "$work/compared"
for file in $(find "${directories[@]}" -type f -printf '%f\n'); do
    grep -q "^$file: .* \(rows agree\|requirements\)$" "$work/compared" || fail "$file was not compared"
done
