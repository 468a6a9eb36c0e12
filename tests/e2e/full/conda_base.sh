#!/usr/bin/env bash
# conda's own eyes: a base of some hundred packages whose dependencies are all there, conda itself among them, installed by
# its .sh and by Tinderbox at the same path. Every command of the installed conda has to say the same of both trees, and its
# prefix checks have to find nothing: doctor, list, revisions, env export, solves from the kept cache, install and remove,
# activation after -c, init and its way back.
. "$(dirname "$0")/conda_base.inc"

# ---- as the .sh leaves it, with an environment by conda's and pip's own hands --------------------------------------------
fresh_home
quietly env TINDERBOX_CONDA_PYTHON="$base/conda/bin/python" sh Labconda-D.sh -b -k -p "$prefix"
from_cache
quietly conda create -y -q --offline -n lab "${specs[@]}"
quietly conda run -n lab python -m pip install -q "six==1.17.0" markupsafe
quietly conda init bash
conda env export -n lab >export.yml 2>export.log # it warns about packages of pip
cp "$HOME/.bashrc" bashrc.theirs
questions
changes
mv said theirs
quietly conda init --reverse bash
cp "$HOME/.bashrc" bashrc.reversed
find "$prefix" -path "$prefix/pkgs" -prune -o -type f -print | wc -l >files.theirs
mv p p.theirs

# ---- the tree of Tinderbox
# -----------------------------------------------------------------------------------------------
fresh_home
cp "$HOME/.bashrc" bashrc.before
quietly "${offline[@]}" sh lab.run -b -k -c -p "$prefix"
cmp "$HOME/.bashrc" bashrc.theirs || fail "-c and conda init write different start-up files"
from_cache
questions
say init-again conda init bash
cmp "$HOME/.bashrc" bashrc.theirs || fail "conda init changes what -c wrote"
changes
rm said/init-again
mv said ours
# conda removes our block, and we remove conda's.
quietly conda init --reverse bash
cmp "$HOME/.bashrc" bashrc.reversed || fail "conda init --reverse: $(diff "$HOME/.bashrc" bashrc.reversed)"
cp bashrc.before "$HOME/.bashrc"
quietly conda init bash
quietly sh lab.run -b --uninstall -p "$prefix"
cmp "$HOME/.bashrc" bashrc.before || fail "--uninstall leaves .bashrc otherwise: $(diff "$HOME/.bashrc" bashrc.before)"

# ---- compared ------------------------------------------------------------------------------------------------------------
"$python" "$root/tests/tools/compare_conda_answers.py" theirs ours >compared || { cat compared >&2; fail "conda says other things of the two trees"; }
cat compared
