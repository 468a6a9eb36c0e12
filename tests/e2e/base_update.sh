#!/usr/bin/env bash
# -u: adds an environment to an existing conda and leaves the conda as it was; with the options of the published recipe.
. "$(dirname "$0")/common.inc"
conda_installers
cd "$work"
quietly "$tinderbox" build "$channel/explicit.txt" --base "$installers/Labconda-D.sh" --name lab -o both.run
quietly "$tinderbox" build "$channel/explicit.txt" --name lab -o alone.run
mkdir -p "$HOME/miniconda3"
quietly sh both.run -b -u -s -p "$HOME/miniconda3"
[ ! -e "$HOME/miniconda3/scripts.log" ] && [ -e "$HOME/miniconda3/envs/lab/bin/python" ] || fail "-b -u -s"
quietly sh both.run -b --uninstall -p "$HOME/miniconda3"

HOME=$work/sh-home quietly sh "$installers/Labconda-B2.sh" -b -p "$work/theirs"
tree() { (cd "$1" && find . -path ./envs/lab -prune -o -printf '%p %y %m %s %T@ %l\n' | grep -v '^\./envs ' | sort); }
added() { # RUN
    quietly sh "$1" -b -u -p "$work/theirs"
    tree theirs | diff before - || fail "$1 changed the conda that was there"
    [ ! -e theirs/envs/lab/envs ] && [ ! -e theirs/.tinderbox ] || fail "more than the environment was installed"
    grep -qx "$work/theirs/envs/lab" "$HOME/.conda/environments.txt" || fail "the added environment is not registered"
}
tree theirs >before
expect 5 "-u" sh both.run -b -p "$work/theirs"
added both.run
echo mine >theirs/envs/lab/mine.txt
expect 5 "--replace" sh alone.run -b -u -p "$work/theirs"
quietly sh alone.run -b -u --replace -p "$work/theirs"
[ "$(cat theirs/envs/lab/mine.txt)" = mine ] || fail "--replace took the user's file"
quietly sh alone.run -b --uninstall -p "$work/theirs"
[ -e theirs/envs/lab/mine.txt ] && [ ! -e theirs/envs/lab/bin ] || fail "--uninstall and a user's file"
rm -rf theirs/envs/lab
added alone.run
