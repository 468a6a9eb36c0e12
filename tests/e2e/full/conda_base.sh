#!/usr/bin/env bash
# Compares two trees by conda itself: a base of some hundred packages with all dependencies, conda among them, installed
# by its .sh and by Tinderbox at the same path. Every command of the installed conda must print the same in both, and
# its checks must find no problem: doctor, list, revisions, env export, solves from the kept cache, install and remove,
# activation after -c, init and its reversal. Needs TINDERBOX_CONDA_SOURCE and TINDERBOX_MENUINST_SOURCE, checkouts of
# conda and of menuinst. Base and packages are made once (ten minutes) and kept in $TINDERBOX_CACHE/conda-base.
. "$(dirname "$0")/../common.inc"
[ -d "${TINDERBOX_CONDA_SOURCE:-}/conda" ] && [ -d "${TINDERBOX_MENUINST_SOURCE:-}/menuinst" ] ||
    skip "TINDERBOX_CONDA_SOURCE and TINDERBOX_MENUINST_SOURCE name no checkouts of conda and of menuinst"
test_venv
fixture=$root/tests/fixtures
key=$({ cat "$fixture/make_conda_base.py" "$fixture/conda-base-requirements.txt" "$TINDERBOX_CONDA_SOURCE/CHANGELOG.md"; echo "$python"; } | sha256sum | cut -c 1-12)
base=$TINDERBOX_CACHE/conda-base/$key
quietly "$python" "$fixture/make_conda_base.py" "$base"
channel=$base/channel
cd "$work"
wheels "$TINDERBOX_CACHE/test-wheels/conda-base" six==1.17.0 markupsafe==3.0.3
links=$TINDERBOX_CACHE/test-wheels/conda-base
printf 'channels:\n  - file://%s\ndefault_channels: []\nsolver: classic\n' "$channel" >condarc
# shellcheck disable=SC2046
quietly "$python" "$fixture/make_installers.py" "$channel" . --packages $(cat "$base/base.txt") --eras D --condarc condarc
short=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
specs=("python $short.*" requests "numpy >=2" pip)
cat >environment.yml <<END
name: lab
channels: [file://$channel]
dependencies:
$(printf '  - %s\n' "${specs[@]}")
  - pip: [six==1.17.0, markupsafe]
END
quietly "$tinderbox" build environment.yml --base Labconda-D.sh --no-index --find-links "$links" -o lab.run

prefix=$work/p/conda
# Without the caller's conda and CA bundle.
clean() { env -i HOME="$HOME" PATH="/usr/bin:/bin" LANG=C.UTF-8 PIP_NO_INDEX=1 PIP_FIND_LINKS="$links" "$@"; }
conda() { clean "$prefix/bin/conda" "$@"; }
# say NAME command…: writes the output, without times and progress, to said/NAME
say() {
    local name=$1 status=0
    shift
    "$@" >said/out 2>&1 || status=$?
    # The list of downloads depends on the state of the cache.
    { sed -e 's/[[:space:]]*$//' -e '/^The following packages will be downloaded:/,/Total:/d' -e '/^Collecting package metadata/d; /^Solving environment/d; /^Preparing transaction/d; /^Verifying transaction/d; /^Executing transaction/d' \
        -e 's/^[0-9]\{4\}-[0-9-]* [0-9:]* /DATE /' said/out | cat -s; echo "exit $status"; } >"said/$name"
    rm said/out
}
in_bash() { clean bash --norc -ic ". '$HOME/.bashrc'; $1"; }
# The URLs of the list cannot be reached, so conda must use the cache. Runs before conda fetches packages from
# elsewhere.
from_cache() {
    rm -rf said
    mkdir said
    say from-cache conda create --offline -y -q -n from-cache --file "$prefix/conda-meta/initial-state.explicit.txt"
    say from-cache-doctor conda doctor -n from-cache
    say from-cache-remove conda env remove -y -n from-cache
}
questions() {
    local where
    for where in base lab; do
        say doctor-$where conda doctor -v -n $where
        say list-$where conda list -n $where
        say list-json-$where conda list -n $where --json
        say explicit-$where conda list -n $where --explicit --sha256
        say revisions-$where conda list -n $where --revisions
        say export-$where conda env export -n $where
        say from-history-$where conda env export -n $where --from-history
        say yaml-no-builds-$where conda export -n $where --no-builds
        say run-$where conda run -n $where python -c 'import sys, requests, numpy, pip; print(sys.prefix, numpy.arange(3).sum())'
        say pip-check-$where conda run -n $where python -m pip check
        say pip-list-$where conda run -n $where python -m pip list
    done
    say envs conda info --envs
    say env-list conda env list --json
    say search conda search --offline numpy
    say solve conda create --offline --dry-run -n other "python=$short" sympy
    say solve-rattler conda create --offline --dry-run --solver rattler -n other "python=$short" sympy
    say frozen conda install -n base --offline --dry-run six
    say install-dry conda install -n lab --offline --dry-run sympy
    say remove-dry conda remove -n lab --offline --dry-run requests
    say update-dry conda update -n lab --offline --dry-run --all
    say compare conda compare -n lab export.yml
    say clone conda create --offline -y -q -n copy --clone lab
    say clone-doctor conda doctor -n copy
    say clone-remove conda env remove -y -n copy
    say initialized in_bash 'type conda | head -n 1; conda activate lab; echo $CONDA_DEFAULT_ENV $CONDA_PREFIX; python -c "import six, sys; print(sys.prefix)"; conda deactivate; echo $CONDA_DEFAULT_ENV'
}
changes() { # commands that change the trees, run last
    say install conda install -n lab --offline -y -q sympy
    say history-after-install sed -n 's/^[+-].*/&/p' "$prefix/envs/lab/conda-meta/history"
    say revisions-after-install conda list -n lab --revisions
    say doctor-after-install conda doctor -n lab
    say remove conda remove -n lab --offline -y -q sympy mpmath
    say remove-needed conda remove -n lab --offline -y -q urllib3
    say doctor-after-remove conda doctor -v -n lab
    say list-after-remove conda list -n lab
    say from-history-after conda env export -n lab --from-history
    say downgrade conda list -n lab --revisions
}

# ---- the tree of the .sh, with an environment made by conda and pip
# ------------------------------------------------------
fresh_home() { rm -rf "$HOME"; mkdir -p "$HOME"; printf '# mine\nexport MINE=1\n' >"$HOME/.bashrc"; }
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
