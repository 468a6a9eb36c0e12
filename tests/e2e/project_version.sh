#!/usr/bin/env bash
# A project whose version git knows: setuptools-scm gives its wheel the version that it gives in the checkout.
. "$(dirname "$0")/common.inc"
small_wheels
command -v git >/dev/null || skip "no git"
scm=$TINDERBOX_CACHE/test-wheels/setuptools-scm-8.3.1
wheels "$scm" setuptools-scm==8.3.1 setuptools==80.9.0 packaging==25.0 typing-extensions==4.14.1 wheel==0.45.1
cd "$work"
export TINDERBOX_CACHE=$work/cache
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE
mkdir -p lab/src/lab
cat >lab/pyproject.toml <<'TOML'
[build-system]
requires = ["setuptools>=64", "setuptools-scm>=8"]
build-backend = "setuptools.build_meta"
[project]
name = "lab"
dynamic = ["version"]
[tool.setuptools_scm]
TOML
touch lab/src/lab/__init__.py
git() { command git -C lab -c user.name=a -c user.email=a@b -c init.defaultBranch=main "$@"; }
quietly git init
quietly git add .
quietly git commit -m one
quietly git tag v1.2.0
touch lab/src/lab/more.py
quietly git add .
quietly git commit -m two
version=1.2.1.dev1+g$(git rev-parse --short HEAD)
build() { "$tinderbox" build lab/pyproject.toml --with-project --python-from "$python" --no-pip --no-index --find-links "$scm" --level fast -o lab.run; }
quietly build
quietly "${offline[@]}" sh lab.run -b -p "$work/env"
[ "$(env/bin/python -c 'from importlib.metadata import version; print(version("lab"))')" = "$version" ] ||
    fail "$(ls env/lib/python3*/site-packages), and git has $version"
# Without a tag there is a version all the same, as in a checkout.
quietly git tag -d v1.2.0
quietly build
# Without git the backend says what it needs.
rm -rf lab/.git
expect 9 "setuptools-scm was unable to detect version" build
