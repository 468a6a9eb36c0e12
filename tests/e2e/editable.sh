#!/usr/bin/env bash
# Editable installations in a captured environment: with --with-project their own backends build wheels, which leave what
# `pip install DIRECTORY` leaves.
. "$(dirname "$0")/common.inc"
small_wheels
"$python" -c 'import ensurepip, venv' 2>/dev/null || skip "no venv with ensurepip"
backends=$TINDERBOX_CACHE/test-wheels/backends-1
wheels "$backends" setuptools==80.9.0 wheel==0.45.1 hatchling==1.27.0 editables==0.5 packaging==25.0 pathspec==0.12.1 pluggy==1.6.0 \
    trove-classifiers==2025.9.11.17 flit-core==3.12.0
cd "$work"
export TINDERBOX_CACHE=$work/cache PIP_NO_INDEX=1 PIP_FIND_LINKS="$backends $links" PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1
unset PIP_INDEX_URL PIP_EXTRA_INDEX_URL

# project DIRECTORY NAME PACKAGE BACKEND REQUIRES [TOML]
project() {
    mkdir -p "$1/$3"
    printf '"""The package %s."""\n__version__ = "1.2"\ndef main(): print("%s runs")\n' "$2" "$2" >"$1/$3/__init__.py"
    echo data >"$1/$3/data.txt"
    printf '[build-system]\nrequires = ["%s"]\nbuild-backend = "%s"\n[project]\nname = "%s"\nversion = "1.2"\ndescription = "%s"\n' "$5" "$4" "$2" "$2" \
        >"$1/pyproject.toml"
    printf 'dependencies = ["six"]\n[project.scripts]\n"%s" = "%s:main"\n%b' "$2" "$(basename "$3")" "${6:-}" >>"$1/pyproject.toml"
}
sources="$work/my sources"
setuptools=setuptools.build_meta
project "$sources/finder" finder-lab finder_lab "$setuptools" setuptools    # a flat layout: an import hook
project "$sources/path" Path.Lab src/path_lab "$setuptools" setuptools      # src: a .pth
project "$sources/hatch" hatch-lab src/hatch_lab hatchling.build hatchling  # a .pth
project "$sources/flit" flit_lab flit_lab flit_core.buildapi flit_core      # a .pth
printf '[tool.setuptools.package-data]\n"*" = ["*.txt"]\n' | tee -a "$sources/finder/pyproject.toml" >>"$sources/path/pyproject.toml"
labs=("$sources"/{finder,path,hatch,flit})

# pip's own builds are what ours are compared with: the same backends, without an environment for each. Ours have one.
"$python" -c 'import sys, zipfile; [zipfile.ZipFile(wheel).extractall("backends") for wheel in sys.argv[1:]]' "$backends"/*.whl
pip() { quietly env PYTHONPATH="$work/backends" venv/bin/python -m pip "$1" --no-build-isolation "${@:2}"; }

"$python" -m venv venv
pip install six==1.17.0 -e "${labs[0]}" -e "${labs[1]}" -e "${labs[2]}" -e "${labs[3]}"
site=$(cd venv && ls -d lib/python3*/site-packages)
ls venv/"$site"/__editable__*_finder.py >/dev/null || fail "no import hook was installed"

mkdir again
expect 2 "finder-lab, flit_lab, hatch-lab, Path.Lab are installed from their source directories" \
    "$tinderbox" build --from-prefix venv --level fast -o x.run
grep -qF -- "--with-project builds their wheels here" out || fail "the message does not name --with-project"
common=(--with-project --level fast --no-index --find-links "$backends" --find-links "$links")
quietly "$tinderbox" lock --from-prefix venv "${common[@]}" -o labs.lock
quietly "$tinderbox" build labs.lock --level fast -o labs.run
grep -q "cannot be moved whole" log && { cat log; fail "a leftover of an editable installation was captured"; }
quietly "$tinderbox" build --from-prefix venv "${common[@]}" -o again/labs.run
cmp labs.run again/labs.run || fail "the request and its lock give two installers"
mv "$sources" gone
mv venv old
quietly "${offline[@]}" sh labs.run -b -p "$work/env"
for name in finder-lab Path.Lab hatch-lab flit_lab; do
    [ "$(env/bin/"$name")" = "$name runs" ] || fail "$name does not run"
done

# What pip leaves of the directories themselves; INSTALLER, direct_url.json and RECORD name the installer's ways.
mv gone "$sources"
mv old venv
quietly venv/bin/python -m pip uninstall -y finder-lab Path.Lab hatch-lab flit_lab
pip install "${labs[@]}"
files() { (cd "$1" && find . -name __pycache__ -prune -o -type f -path '*_lab*' ! -name RECORD ! -name INSTALLER ! -name direct_url.json -print | sort); }
files "venv/$site" >pip.txt
files "env/$site" >ours.txt
diff pip.txt ours.txt || fail "other files than pip installs"
while read -r file; do cmp "venv/$site/$file" "env/$site/$file" || fail "$file differs from pip's"; done <pip.txt
[ "$(env/bin/python -m pip freeze | sed 's/ @.*//' | sort)" = "$(venv/bin/python -m pip freeze | sed 's/ @.*//' | sort)" ] ||
    fail "pip lists other packages"
quietly env/bin/python -m pip check
quietly env/bin/python -m pip uninstall -y finder-lab Path.Lab hatch-lab flit_lab
[ -z "$(files "env/$site")" ] && [ ! -e env/bin/flit_lab ] || fail "pip cannot remove them"

# A wheel of the request wins. A new editable installation is not in the lock; a source directory may be gone.
pip wheel --no-deps -w wheels "$sources/flit"
quietly venv/bin/python -m pip uninstall -y finder-lab Path.Lab hatch-lab flit_lab
pip install --no-deps -e "$sources/flit"
expect 0 "1.2" "$tinderbox" build --from-prefix venv "${common[@]}" --pip "flit_lab @ file://$work/wheels/flit_lab-1.2-py2.py3-none-any.whl" --plan
quietly "$tinderbox" lock --from-prefix venv "${common[@]}" -o one.lock
pip install --no-deps -e "$sources/hatch"
expect 2 "hatch-lab installed from its source directory (editable), and the lock has no wheel of it" "$tinderbox" build one.lock --plan
rm -r "$sources/hatch"
expect 2 "hatch', which is gone" "$tinderbox" build --from-prefix venv "${common[@]}" --plan

# What the environment has counts under its normalised name: PyYAML satisfies a requirement of pyyaml.
mkdir -p needs/needs_yaml
printf '"""Needs."""\n__version__ = "1"\n' >needs/needs_yaml/__init__.py
printf '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n[project]\nname = "needs_yaml"\ndynamic = ["version", "description"]\ndependencies = ["pyyaml>=6"]\n' >needs/pyproject.toml
pip wheel --no-deps -w wheels ./needs
quietly venv/bin/python -m pip uninstall -y flit_lab hatch-lab
quietly venv/bin/python -m pip install PyYAML==6.0.3
mkdir none
expect 0 "needs-yaml" env -u PIP_FIND_LINKS "$tinderbox" build --from-prefix venv --no-index --find-links none --pip "$(ls "$work"/wheels/needs_yaml-*.whl)" --plan

# As setuptools' older versions left it after `develop`.
"$python" -m venv --without-pip develop
site=develop/$(cd develop && ls -d lib/python3*/site-packages)
mkdir -p old/src/old_lab old/src/old_lab.egg-info
echo 'from setuptools import setup; setup(name="old_lab", version="3", packages=["old_lab"], package_dir={"": "src"}, entry_points={"console_scripts": ["old-lab = old_lab:main"]})' >old/setup.py
echo 'def main(): print("old-lab runs")' >old/src/old_lab/__init__.py
printf 'Metadata-Version: 1.0\nName: old-lab\nVersion: 3\n' >old/src/old_lab.egg-info/PKG-INFO
printf '%s\n../' "$work/old/src" >"$site/old-lab.egg-link"
printf '%s\n/usr/other\n' "$work/old/src" >"$site/easy-install.pth"
printf "#!%s/develop/bin/python\n# EASY-INSTALL-ENTRY-SCRIPT: 'old-lab','console_scripts','old-lab'\n" "$work" >develop/bin/old-lab
chmod +x develop/bin/old-lab
quietly "$tinderbox" build --from-prefix develop "${common[@]}" -o old.run
quietly "${offline[@]}" sh old.run -b -p "$work/oldenv"
[ "$(oldenv/bin/old-lab)" = "old-lab runs" ] || fail "what setup.py develop had linked does not run"
[ "$(cat oldenv/lib/python3*/site-packages/easy-install.pth)" = /usr/other ] || fail "easy-install.pth is not as an uninstallation leaves it"
