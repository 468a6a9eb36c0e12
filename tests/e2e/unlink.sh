#!/usr/bin/env bash
# Packages' scripts at removal, as conda runs them: pre-unlink while everything is there, in the opposite order of linking;
# a failing one is told and stops nothing; post-unlink never (conda looks for it when the package's files are gone). In an
# environment; unlink_base.sh has the others. Not with -s.
. "$(dirname "$0")/unlink.inc"
quietly "$tinderbox" build list.txt --name un -o un.run

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
echo "unlink: pre-unlink scripts in an environment; a failing one; -s"
