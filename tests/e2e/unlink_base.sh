#!/usr/bin/env bash
# Packages' scripts at removal: a conda's own packages, those of its further environment and ours; the last linked goes
# first.
. "$(dirname "$0")/unlink.inc"

mkdir -p labs/linux-64
cp raw/one-1.0-0.tar.bz2 raw/two-1.0-0.tar.bz2 "$stub" labs/linux-64/
quietly "$python" "$root/tests/fixtures/make_installers.py" labs installers --eras D --packages python-3.11.7-stub_0_cpython one-1.0-0 two-1.0-0 \
    --environment tools one-1.0-0 two-1.0-0
quietly "$tinderbox" build list.txt --base installers/Labconda-D.sh --name un -o base.run
rm -f unlinked
quietly sh base.run -b -p "$work/q"
quietly sh base.run -b --uninstall -p "$work/q"
{ for name in bad two one; do line $name "$work/q/envs/un" "$work/q"; done
  for prefix in "$work/q/envs/tools" "$work/q"; do line two "$prefix" "$work/q"; line one "$prefix" "$work/q"; done; } | diff - unlinked ||
    fail "scripts of a base and its environments"
[ "$(find q -type f)" = q/scripts.log ] || fail "--uninstall left $(find q -type f | head -n 3)"
echo "unlink: pre-unlink scripts in an environment, a base, a further environment"
