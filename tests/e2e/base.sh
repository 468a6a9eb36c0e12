#!/usr/bin/env bash
# A base conda from its own installer. The .sh files of every era really install: each is run, and each is read by
# Tinderbox and installed at the same path. Compares trees and records, also of further environments and of the kept
# package cache.
. "$(dirname "$0")/common.inc"
conda_installers
cd "$work"
fixture=$root/tests/fixtures
prefix=$work/p/conda
environments=$HOME/.conda/environments.txt
describe() { # PREFIX FILE
    quietly "$python" "$fixture/conda_reference_install.py" --describe "$1"
    cp log "$2"
}
same() { # WHOSE THEIRS THEIR-TREE OUR-TREE [EXCEPT…]
    "$python" "$root/tests/tools/compare_with_rattler.py" "$2" "$3" "$4" "${@:5}" >compared ||
        { cat compared >&2; fail "$1: what the .run installed differs from what its .sh leaves"; }
    echo "$1: $(tail -n 1 compared)"
}

for era in A B1 B2 C D; do
    list=$channel/explicit.txt keep=() further=() # further: environments of the installer's own
    case $era in
        C) list=$channel/explicit-cpython.txt further=(py tools) keep=(-k) ;;
        D) further=(tools) keep=(-k) ;;
    esac
    quietly "$tinderbox" build "$list" --base "$installers/Labconda-$era.sh" --name lab -o $era.run
    rm -rf p moved
    HOME=$work/sh-home quietly sh "$installers/Labconda-$era.sh" -b "${keep[@]}" -p "$prefix"
    describe "$prefix" theirs.json
    for name in "${further[@]}"; do describe "$prefix/envs/$name" "theirs-$name.json"; done
    mv p moved
    quietly "${offline[@]}" sh $era.run -b "${keep[@]}" -p "$prefix"
    same "$era" theirs.json moved/conda "$prefix" envs pkgs
    for name in "${further[@]}"; do
        same "$era, $name" "theirs-$name.json" "moved/conda/envs/$name" "$prefix/envs/$name"
        for file in history frozen initial-state.explicit.txt; do
            [ ! -e "moved/conda/envs/$name/conda-meta/$file" ] || cmp "moved/conda/envs/$name/conda-meta/$file" "$prefix/envs/$name/conda-meta/$file" ||
                fail "conda-meta/$file of '$name'"
        done
        grep -qx "$prefix/envs/$name" "$environments" || fail "'$name' is not registered"
    done
    [ "$(ls moved/conda/envs)" = "$(ls "$prefix/envs" | sed '/^lab$/d')" ] || fail "environments: $(ls "$prefix/envs")"
    if [ ${#keep[@]} != 0 ]; then
        "$python" "$root/tests/tools/compare_package_cache.py" moved/conda "$prefix" || fail "the kept package cache differs"
    else
        [ ! -e "$prefix/pkgs" ] || fail "the package cache stayed without -k"
    fi
    bash -eu "$root/tests/tools/check_base.inc" "$era" "$prefix" || fail "what lies in the base of $era"
    grep -qx "$prefix/envs/lab" "$environments" && [ -z "$(sort "$environments" | uniq -d)" ] || fail "environments.txt: $(cat "$environments")"
    "$python" -c '
import pathlib, sys, rattler
for prefix in (sys.argv[1], sys.argv[1] + "/envs/lab"):
    records = [rattler.PrefixRecord.from_path(p) for p in pathlib.Path(prefix, "conda-meta").glob("*.json")]
    assert len(records) >= 8 and all(r.files for r in records), prefix' "$prefix"
    quietly sh $era.run -b --verify-only -p "$prefix"
    # Files that package scripts made count as the user's, because they cannot be told apart.
    quietly sh $era.run -b --uninstall -p "$prefix"
    left=$(cd "$prefix" && find . -type f | sort | tr '\n' ' ')
    [ "$left" = "./scripts.log " ] || fail "--uninstall left $left"
    ! grep -q . "$environments" || fail "environments.txt keeps $(cat "$environments")"
done
