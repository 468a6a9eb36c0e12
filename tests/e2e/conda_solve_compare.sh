#!/usr/bin/env bash
# Compares the conda solve with py-rattler's solver: on random channels, on puzzles, and on real indexes where they
# exist.
. "$(dirname "$0")/common.inc"
test_venv
export TINDERBOX_CACHE=$work/cache
cd "$work"

# Both must agree whether an answer exists. Of several answers they may sometimes choose different ones.
compare() { quietly "$python" "$root/tests/tools/compare_conda_solve.py" "$tinderbox" "$@" --show 3 --tolerate 0.07; }

# libsolv grows its 90 MB of rules by 64 at a time. AddressSanitizer's realloc copies them all each time: an hour.
if ! sanitized; then
    for seed in 1 2; do
        quietly "$python" "$root/tests/fixtures/make_large_channel.py" "large$seed" --records 3000 --noarch 1500 --names 500 --seed $seed
    done
    compare large1 --random 12 --seed 11
    compare large1 large2 --random 8 --seed 13 --virtual __cuda=12.4
    compare large1 large2 --random 8 --seed 14 --priority disabled
    compare large2 large1 --random 8 --seed 15 --priority flexible
fi
# Small channels of real packages; docs/building/solve.md has the figures of a larger run.
compare --packed 25 --seed 16
# The same verdicts, and the same answer where only one exists.
"$python" "$root/tests/tools/sudoku_channel.py" puzzle puzzle.specs
compare puzzle --specs puzzle.specs --timeout 60

real_data repodata || exit 0
"$python" "$root/tests/tools/real_channels.py" "$data" "$work"
compare c2018 --random 40 --seed 11
compare c2017 --random 30 --seed 12
compare pytorch c2018 --random 30 --seed 13 --virtual __cuda=11.8
compare c2018 c2017 --random 25 --seed 14 --priority disabled
compare c2018 c2017 --random 25 --seed 15 --priority flexible
compare sudoku --specs sudoku.specs --timeout 60
