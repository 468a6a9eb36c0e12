#!/bin/sh
# fetch_libcuda.sh CACHE: prints a folder with NVIDIA's real libcuda.so.1. It comes from Debian's non-free package
# libcuda1 on this machine's mirror and release. The package is unpacked there, never installed; apt's own state stays
# as it is. On failure (another distribution, no network, a GPU is present): exit 1 and one sentence.
set -eu
cache=$1
say() { echo "no real libcuda: $*" >&2; exit 1; }

[ "$(uname -m)" = x86_64 ] || say "this is not x86-64"
[ ! -e /dev/nvidiactl ] || say "this machine has an NVIDIA driver, whose answers would be its own"
found=$(find "$cache" -name 'libcuda.so.1' 2>/dev/null | head -n 1)
if [ -n "$found" ]; then dirname "$found"; exit 0; fi
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || say "this machine has no apt"
[ "$(. /etc/os-release && echo "$ID")" = debian ] || say "this is not Debian"

# The first mirror of this machine's configuration, in either of apt's two formats.
mirror=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed -n 's/^URIs: *\([^ ]*\).*/\1/p' | grep '/debian/*$' | head -n 1)
[ -n "$mirror" ] || mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
    sed -n 's/^deb *\(\[[^]]*\]\)* *\([^ ]*\).*/\2/p' | grep '/debian/*$' | head -n 1)
[ -n "$mirror" ] || say "apt's sources name no Debian mirror"
release=$(. /etc/os-release && echo "$VERSION_CODENAME")

mkdir -p "$(dirname "$cache")"
work=$(mktemp -d "$(dirname "$cache")/.libcuda.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/unpacked"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release non-free" >"$work/sources.list"
apt() {
    timeout 120 apt-get -qq -o Dir::State="$work/state" -o Dir::Cache="$work/cache" \
        -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Retries=0 "$@" >/dev/null 2>&1
}
cd "$work"
apt update || say "the mirror's non-free index cannot be read"
apt download libcuda1 || say "the mirror has no libcuda1"
dpkg-deb -x libcuda1_*.deb unpacked || say "libcuda1 cannot be unpacked"
chmod -R u+w,a+rX unpacked
mv -T unpacked "$cache" 2>/dev/null || [ -d "$cache" ] || say "$cache cannot be written"
dirname "$(find "$cache" -name 'libcuda.so.1' | head -n 1)"
