#!/usr/bin/env bash
# Small inputs that ask for much (tests/tools/bombs.py) and every file of the fuzz corpora: each ends with a documented
# exit code and one sentence, below 512 MiB and 10 s of processor time. BOMBS: a pattern of names; TABLE: print figures.
. "$(dirname "$0")/../common.inc"
! sanitized || skip "a sanitized program needs more memory and time than the limits"
export TINDERBOX_CACHE=$work/cache # nothing of it is worth keeping
BOMB_PYTHON=$(find_python) || skip "no Python 3.10 to 3.13 with pip"
export BOMB_PYTHON
tried=0
wrong=0
# bounded NAME DIRECTORY COMMAND…: $code, $peak and $seconds; counts what is over the limits.
bounded() {
    local name=$1 directory=$2
    shift 2
    read -r code peak seconds < <(cd "$directory" && python3 "$root/tests/tools/bounded.py" 10 "$work/out" "$@")
    tried=$((tried + 1))
    [ -z "${TABLE:-}" ] || printf '%-32s exit %3s %5s MiB %5s s  %s\n' "$name" "$code" "$peak" "$seconds" "$(head -c 90 "$work/out" | head -n 1)"
    if [ "$code" -lt 0 ] || [ "$peak" -gt 512 ]; then bad "$name" "exit $code, $peak MiB, $seconds s"; fi
}
bad() {
    wrong=$((wrong + 1))
    echo "wrong: $1: $2; $(head -c 200 "$work/out")" >&2
}
for name in $(python3 "$root/tests/tools/bombs.py"); do
    [[ $name == ${BOMBS:-*} ]] || continue
    mapfile -t arguments < <(python3 "$root/tests/tools/bombs.py" "$name" "$work/bomb")
    bounded "$name" "$work/bomb" "$tinderbox" "${arguments[@]}"
    case $code in
    0 | 9) ;; # small after all, and legitimate; a solver explains itself in several lines
    2 | 8) [ "$(grep -n '^error: ' "$work/out" | cut -d: -f1)" = "$(wc -l <"$work/out")" ] || bad "$name" "not one sentence" ;;
    *) [ "$code" -lt 0 ] || bad "$name" "exit $code" ;;
    esac
    if [[ $name == *-over ]] && ! grep -q 'budget (' "$work/out"; then bad "$name" "no budget is named"; fi
    if [[ $name == *-fine && $code != [09] ]]; then bad "$name" "it was refused"; fi
    rm -rf "$work/bomb"
done
# What is a SPEC or a lock is given to the program, every file to its own fuzz target: no change, once.
for file in "$root"/tests/fuzz/corpus/{spec,lock}/*; do
    [[ corpus == ${BOMBS:-*} ]] || continue
    bounded "${file#"$root"/tests/fuzz/}" "$work" "$tinderbox" inspect "$file"
    case $code in 0 | 2) ;; *) [ "$code" -lt 0 ] || bad "$file" "exit $code" ;; esac
done
for corpus in "$root"/tests/fuzz/corpus/*/; do
    target=$build/$(basename "$corpus")_fuzz
    [[ corpus == ${BOMBS:-*} && -x $target ]] || continue
    bounded "$target" "$work" "$target" "$corpus" 0 1
    [ "$code" = 0 ] || bad "$target" "exit $code"
    tried=$((tried + $(ls "$corpus" | wc -l) - 1))
done
echo "$tried inputs tried, $wrong wrong"
[ "$wrong" = 0 ]
