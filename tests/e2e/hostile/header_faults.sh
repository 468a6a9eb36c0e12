#!/usr/bin/env bash
# A NAME.run that was cut within its header or program, or of which one bit is wrong: it ends with a sentence and an exit
# status other than 0, and no file changes. A sample; tests/e2e/full/header_faults.sh tries all.
. "$(dirname "$0")/hostile.inc"
tiny_run
faults() { python3 "$root/tests/tools/header_faults.py" tiny.run "$@" "${shells[@]}" || fail "see above"; }
checked=$(grep -abo '^# Every byte' tiny.run | head -n 1 | cut -d : -f 1)
[ "$checked" -gt 1000 ] || fail "the header's first block was not found"
faults cuts 0 200 7             # the first lines
faults cuts 200 20480 1009
faults flips 0 $((8 * checked)) 97 # before the checksum is compared
faults flips $((8 * checked)) $((8 * 16384)) 9001
faults flips $((8 * 16384)) $((8 * 20480)) 4001 # the program's first page
