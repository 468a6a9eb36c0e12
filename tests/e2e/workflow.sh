#!/usr/bin/env bash
# The workflow of the README: a Miniconda-like base by URL, python and cudatoolkit from conda, torch as a +cu113 wheel
# from an extra index. Builds one file, installs it without network, activates, tests and removes it.
. "$(dirname "$0")/workflow.inc"
# The base's installer has the form of today's Miniconda, holds a real CPython, and comes from a server.
quietly "$python" "$root/tests/fixtures/make_installers.py" "$channel" www --eras D --packages "python-$version-tinder_0_cpython" tinder-text-1.0-0 \
    tinder-noarch-0.3-pyh0_2 tinder-links-1.0-0 tinder-post-2.0-h1_7
serve www
quietly "$tinderbox" lock environment.yml --base "http://127.0.0.1:$port/Labconda-D.sh" -o ml-dev.lock
quietly "$tinderbox" build ml-dev.lock -o ml-dev.run
unserve

# Exit 10: it is installed, but the stand-in for torch fails torch's check.
prefix=$HOME/miniconda3 environment=$HOME/miniconda3/envs/ml-dev
status=0
"${offline[@]}" sh ml-dev.run -b -p "$prefix" --no-gpu >install.log 2>&1 || status=$?
[ "$status" = 10 ] || { cat install.log; fail "install: $status"; }
grep -q "torch" install.log || { cat install.log; fail "the stand-in for torch passed for torch"; }
[ "$("$environment/bin/python" -c 'import sys, torch, torchvision; print(torch.__version__, torchvision.__version__, sys.prefix)')" = \
    "1.12.1+cu113 0.13.1+cu113 $environment" ] || fail "torch"
[ -e "$environment/lib/libcudart.so.11.3.1.txt" ] && [ ! -e "$prefix/lib/libcudart.so.11.3.1.txt" ] || fail "cudatoolkit"
"$prefix/bin/python" -c 'import sys, tinder_noarch; assert sys.prefix == sys.argv[1]' "$prefix" || fail "the base's Python"
! "$prefix/bin/python" -c 'import torch' 2>/dev/null || fail "torch lies in the base"
sort "$HOME/.conda/environments.txt" | diff - <(printf '%s\n%s\n' "$prefix" "$environment") || fail "environments.txt"

# Activates in three ways: by its own script, by py-rattler's reading of the prefix (what `conda activate ml-dev`
# evaluates), and by conda's own code where a checkout exists.
seen='command -v python; printf "%s\n" "$CONDA_PREFIX" "$PAPER"; python -c "import torch; print(torch.__version__)"'
printf '%s\n' "$environment/bin/python" "$environment" 2022 1.12.1+cu113 >wanted
activated() { # NAME FILE: a script that activates
    bash --norc -euo pipefail -c ". '$2'; $seen" >activated 2>err || { cat err; fail "activating: $1"; }
    diff wanted activated || fail "activated by $1"
}
activated "its own script" "$environment/bin/activate"
"$python" - "$environment" >by-rattler <<'PY'
import pathlib, sys
from rattler.shell import ActivationVariables, Shell, activate
print(activate(pathlib.Path(sys.argv[1]), ActivationVariables(), Shell.bash).script)
PY
activated py-rattler by-rattler
if [ -n "${TINDERBOX_CONDA_SOURCE:-}" ]; then
    PYTHONPATH=$TINDERBOX_CONDA_SOURCE "${TINDERBOX_CONDA_PYTHON:-$python}" -m conda shell.posix activate "$environment" >by-conda 2>err || { cat err; fail "conda's activator"; }
    activated conda by-conda
fi
quietly sh ml-dev.run -b --uninstall -p "$prefix"
[ ! -e "$environment/bin" ] && [ ! -e "$prefix/bin" ] && ! grep -q . "$HOME/.conda/environments.txt" || fail "--uninstall"
