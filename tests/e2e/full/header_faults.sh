#!/usr/bin/env bash
# Every cut of the first 20 KiB, and every wrong bit of the header and of the program's first page, under each shell here.
. "$(dirname "$0")/../hostile/hostile.inc"
tiny_run
for shell in "${shells[@]}"; do
    python3 "$root/tests/tools/header_faults.py" tiny.run cuts 0 20480 1 "$shell" || fail "see above"
    python3 "$root/tests/tools/header_faults.py" tiny.run flips 0 $((8 * 20480)) 1 "$shell" || fail "see above"
done
