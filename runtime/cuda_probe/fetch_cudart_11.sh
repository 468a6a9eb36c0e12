#!/bin/sh
# fetch_cudart_11.sh: prints a folder with the static runtime of CUDA 11.8 (lib/libcudart_static.a, include/, LICENSE).
# It comes from Debian's non-free package nvidia-cuda-dev on this machine's mirror. The package (774 MB) is downloaded
# once, never installed and not kept; apt's own state stays as it is. On failure: exit 1 and one sentence.
#
# The hash is that of the library, because every rebuild of the package holds the same file of NVIDIA's.
set -eu
library_sha256=b926f91d414dcec0b9de05b4d9c72c488e5812df2224a2de77aafb6cf24d8dcf
package=nvidia-cuda-dev
suite=bookworm # the release that has 11.8

cache=${TINDERBOX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tinderbox}
folder=$cache/cudart-11.8-$(printf %.12s "$library_sha256")
say() { echo "no CUDA 11 runtime: $*" >&2; exit 1; }
if [ -d "$folder" ]; then echo "$folder"; exit 0; fi
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || say "this machine has no apt"
[ -f /usr/share/keyrings/debian-archive-keyring.gpg ] || say "this machine does not know Debian's keys (debian-archive-keyring)"

# The first mirror of this machine's configuration, in either of apt's two formats.
mirror=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed -n 's/^URIs: *\([^ ]*\).*/\1/p' | grep '/debian/*$' | head -n 1)
[ -n "$mirror" ] || mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
    sed -n 's/^deb *\(\[[^]]*\]\)* *\([^ ]*\).*/\2/p' | grep '/debian/*$' | head -n 1)
[ -n "$mirror" ] || say "apt's sources name no Debian mirror"

mkdir -p "$cache"
work=$(mktemp -d "$cache/.cudart-11.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/new/lib" "$work/new/include"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite non-free" >"$work/sources.list"
apt() {
    apt-get -qq -o Dir::State="$work/state" -o Dir::Cache="$work/cache" -o Dir::Etc::sourcelist="$work/sources.list" \
        -o Dir::Etc::sourceparts=/dev/null -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=2 "$@" >"$work/log" 2>&1
}
cd "$work"
apt update || say "the mirror's non-free index of $suite cannot be read"
apt download "$package" || say "$package cannot be downloaded: $(tail -n 1 "$work/log")"
dpkg-deb --fsys-tarfile "$package"_*.deb | tar -x --wildcards './usr/lib/x86_64-linux-gnu/libcudart_static.a' \
    './usr/include/cuda_runtime_api.h' "./usr/share/doc/$package/copyright" || say "$package cannot be unpacked"
cp usr/lib/x86_64-linux-gnu/libcudart_static.a new/lib/
cp usr/include/cuda_runtime_api.h new/include/
cp "usr/share/doc/$package/copyright" new/LICENSE
echo "$library_sha256  new/lib/libcudart_static.a" | sha256sum -c --quiet - >/dev/null 2>&1 ||
    say "the library in $package is another one than this script knows"
mv -T new "$folder" 2>/dev/null || [ -d "$folder" ] || say "$folder cannot be written"
echo "$folder"
