#!/bin/sh
# fetch_wheel.sh NAME: prints the folder with the unpacked wheel NAME of wheels.txt, and fetches it first when the cache
# lacks it. Installs nothing. On failure: exit 1 and one sentence.
#
# The cache is ${TINDERBOX_CACHE:-~/.cache/tinderbox}/wheels. A folder gets its name only when it is complete. Two
# builds may run at once: the copy of the slower one is dropped.
set -eu

name=$1
here=$(cd "$(dirname "$0")" && pwd)
cache=${TINDERBOX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tinderbox}/wheels

fail() { echo "fetch_wheel: $*" >&2; exit 1; }

line=$(grep "^$name==" "$here/wheels.txt") || fail "$name is not in wheels.txt"
requirement=${line%% *}
hash=${line##*sha256:}
folder=$cache/$name-${requirement##*==}-$(printf %.12s "$hash")
if [ -d "$folder" ]; then echo "$folder"; exit 0; fi

python=${PYTHON:-$(command -v python3 || true)}
[ -n "$python" ] || fail "python3 with pip is needed to download $requirement"
"$python" -m pip --version >/dev/null 2>&1 || fail "$python has no pip, which is needed to download $requirement"

mkdir -p "$cache"
work=$(mktemp -d "$cache/.$name.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

echo "$line" > "$work/requirements.txt"
# --find-links is left out: the file must come from the index and have the pinned hash.
if ! env -u PIP_FIND_LINKS -u PIP_NO_INDEX "$python" -m pip download -q --disable-pip-version-check --no-deps \
        --only-binary=:all: --platform manylinux2014_x86_64 --platform manylinux_2_17_x86_64 \
        --platform manylinux2010_x86_64 --platform manylinux_2_12_x86_64 \
        --require-hashes -r "$work/requirements.txt" -d "$work/download" >"$work/log" 2>&1; then
    # pip's first error, without the credentials that an index URL may hold.
    why=$(sed -n -e 's#//[^/@ ]*@#//#g' -e 's/^ *ERROR: *//p' "$work/log" | head -n 1)
    fail "$requirement could not be downloaded from the configured package index${why:+: $why}"
fi
"$python" -m zipfile -e "$work"/download/*.whl "$work/unpacked"
for program in "$work"/unpacked/ziglang/zig "$work"/unpacked/nvidia/cuda_nvcc/bin/ptxas; do
    [ ! -f "$program" ] || chmod 755 "$program" # zipfile drops modes
done
mv -T "$work/unpacked" "$folder" 2>/dev/null || [ -d "$folder" ] || fail "$folder could not be written"
echo "$folder"
