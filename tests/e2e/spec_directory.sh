#!/usr/bin/env bash
# A directory as SPEC: which file of it is taken, what contradicts; and files that are named instead of a SPEC.
. "$(dirname "$0")/common.inc"
cd "$work"
plan() { "$tinderbox" inspect "$@"; }
mkdir -p d/.git && cd d
expect 2 ".: the directory holds no SPEC" plan .
echo six >requirements.txt
expect 0 "request ./requirements.txt, of the directory '.'" plan .
expect 0 'six' plan "$work/d"
printf '[tool.ruff]\nline-length = 100\n' >pyproject.toml
expect 0 "./requirements.txt" plan .
printf '[project]\nname = "lab"\nversion = "1"\ndependencies = ["six"]\n[project.optional-dependencies]\ncuda = ["numpy"]\n' >pyproject.toml
expect 2 ".: the directory holds several SPECs: pyproject.toml, requirements.txt; name the one that counts" plan .
rm requirements.txt
expect 0 "numpy" plan '.[cuda]'
expect 2 "no dependency group 'nosuch'" plan '.[nosuch]'
printf 'version = 1\nrequires-python = ">=3.10"\n[[package]]\nname = "lab"\nversion = "1"\nsource = { virtual = "." }\ndependencies = [{ name = "six" }]\n[[package]]\nname = "six"\nversion = "1.17.0"\nsource = { registry = "http://127.0.0.1:9/simple" }\nwheels = [{ url = "http://127.0.0.1:9/six-1.17.0-py2.py3-none-any.whl", hash = "sha256:%064d" }]\n' 7 >uv.lock
expect 0 "./uv.lock" plan . --json
rm uv.lock pyproject.toml
printf 'dependencies:\n  - python=3.11\n' >environment.yml
for command in lock "build --plan"; do
    expect 8 "./environment.yml, of the directory '.'" "$tinderbox" $command . --offline --channel http://127.0.0.1:9/nowhere
done
expect 0 "./environment.yml" "$tinderbox" diff . environment.yml
cp environment.yml environment.yaml
expect 2 "environment.yml, environment.yaml" "$tinderbox" diff . environment.yml
mkdir -p conda-meta && rm environment.y*
expect 2 ".: it is an environment, not a SPEC; write --from-prefix ." plan .

printf 'PK\3\4' >numpy-2.2.6-cp311-cp311-manylinux_2_17_x86_64.whl
expect 2 "it is a wheel (numpy 2.2.6), not a SPEC; write --pip numpy-2.2.6-" plan numpy-*.whl
printf 'PK\3\4' >zlib-1.3.1-hb9d3cd8_2.conda
expect 2 "it is a conda package (zlib 1.3.1 hb9d3cd8_2), not a SPEC; write --conda zlib-1.3.1" "$tinderbox" lock zlib-*.conda
printf '\037\213' >gym-0.21.0.tar.gz
expect 2 "it is an archive, not a SPEC" "$tinderbox" build gym-0.21.0.tar.gz
truncate -s 100M zlib-1.3.1-hb9d3cd8_2.conda
expect 2 "it is a conda package" plan zlib-*.conda
expect 2 "--platform: the platform 'osx-64' is not supported; write linux-64 or linux-aarch64" "$tinderbox" lock --pip six --platform osx-64

conda_installers
sh=$installers/Labconda-D.sh
expect 0 "tinderbox build SPEC --base $sh" plan "$sh"
expect 0 '"platform": "linux-64"' plan "$sh" --json
expect 2 "an installer of a conda, not a SPEC" "$tinderbox" build "$sh"
head -c 20000 "$sh" >x.sh && expect 2 "x.sh: it is cut short" plan x.sh
sed 's/^# PLAT:  linux-64/# PLAT:  osx-arm64/' "$sh" >mac.sh
expect 2 "for macOS on ARM (osx-arm64); Tinderbox takes installers for linux-64" plan mac.sh
# Nothing is asked for before a local base is read: this channel does not answer.
for command in lock build "build --plan"; do
    for bad in x.sh mac.sh; do
        expect 2 "$bad: it is" "$tinderbox" $command --base $bad --conda python --channel http://127.0.0.1:9/nowhere
    done
    expect 2 "it installs a conda for linux-64, and the environment is for linux-aarch64" \
        "$tinderbox" $command --base "$sh" --platform linux-aarch64 --conda python --channel http://127.0.0.1:9/nowhere
done
