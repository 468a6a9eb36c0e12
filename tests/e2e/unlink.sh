#!/usr/bin/env bash
# Scripts of packages at removal, as conda runs them. pre-unlink runs in the reverse order of linking, while all files
# exist; a failure is reported and stops nothing. post-unlink never runs, because conda looks for it after the package's
# files are gone. Tested in an environment, in a base and in its further environments; -s runs none.
. "$(dirname "$0")/common.inc"
venv=$("$root/scripts/test-venv") || skip "no Python environment with py-rattler"
python=$venv/bin/python
"$python" -c 'import sys; sys.exit(sys.base_prefix in ("/usr", "/"))' ||
    skip "the only Python is the system's own, which is no model for a conda package"
conda_channel
cd "$work"
mkdir raw
cat >raw/make.py <<'PY'
from raw_conda_package import package

def script(action):
    # Prints conda's variables and directory, and the number of files: all packages must still be there.
    return (b'#!/bin/bash\necho "' + action + b' $PKG_NAME $PKG_VERSION $PKG_BUILDNUM $PREFIX $ROOT_PREFIX $(basename "$PWD") '
            b'$(ls "$PREFIX/share/one" "$PREFIX/share/two" 2>/dev/null | wc -l) ${PATH%%:*}" >>"$UNLINKED"\n')

def package_of(name, depends, more=b""):
    package(name, {f"share/{name}": b"x\n", **{f"bin/.{name}-{action}.sh": script(action.encode()) + more
                                               for action in ("pre-unlink", "post-unlink")}}, depends)

package_of("one", [])
package_of("two", ["one"], b'echo "bye" >"$PREFIX/.messages.txt"\n')
package_of("bad", ["two"], b"echo 'I cannot' >&2\nexit 3\n")
PY
(cd raw && PYTHONPATH=$root/tests/fixtures "$python" make.py)
stub=$channel/linux-64/python-3.11.7-stub_0_cpython.conda
{ echo @EXPLICIT; echo "$stub"; printf "$work/raw/%s-1.0-0.tar.bz2\n" one two bad; } >list.txt
export UNLINKED=$work/unlinked
quietly "$tinderbox" build list.txt --name un -o un.run
line() { echo "pre-unlink $1 1.0 0 $2 $3 bin 2 $2/bin"; } # PACKAGE PREFIX ROOT_PREFIX

quietly sh un.run -b -p "$work/p"
[ ! -e unlinked ] || fail "a script of removal ran at installation: $(cat unlinked)"
sh un.run -b --uninstall -p "$work/p" >said 2>&1 || { cat said >&2; fail "--uninstall with scripts"; }
{ line bad "$work/p" "$work/p"; line two "$work/p" "$work/p"; line one "$work/p" "$work/p"; } | diff - unlinked || fail "what ran, and in which order"
grep -q "'bin/.bad-pre-unlink.sh' of bad 1.0 failed (.*3.*: I cannot); its package is removed all the same" said || { cat said >&2; fail "a failed script is not told"; }
grep -q "a package's script says: bye" said || { cat said >&2; fail "a script's message is not told"; }
[ ! -e p ] || fail "--uninstall left $(find p | head -n 3)"

rm -f unlinked
quietly sh un.run -b -p "$work/p"
quietly sh un.run -b --uninstall -s -p "$work/p"
[ ! -e unlinked ] && [ ! -e p ] || fail "-s ran scripts"
quietly sh un.run -b -p "$work/p"
rm "$work/p/bin/.two-pre-unlink.sh" # a script that is gone does not run
quietly sh un.run -b --uninstall --purge -p "$work/p"
{ line bad "$work/p" "$work/p"; line one "$work/p" "$work/p"; } | diff - unlinked || fail "a script that is gone"

# Packages of the base, of its further environment and ours: the last linked goes first.
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
echo "unlink: pre-unlink scripts in an environment, a base, a further environment; a failing one; -s"
