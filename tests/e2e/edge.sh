#!/usr/bin/env bash
# Packages at the limits of file systems and formats: one path in two packages, a directory that is a link in another
# package, names that differ in case only, names of 200, 255 and 256 bytes or not in UTF-8, empty files, hard links
# inside archives, sparse files. Checks the installed files, and the reason of each refusal.
. "$(dirname "$0")/common.inc"
conda_channel
cd "$work"
cat >make.py <<'PY'
from raw_conda_package import package

package("clobber-a", {"share/same": b"a\n"})
package("clobber-b", {"share/same": b"b\n"}, ["clobber-a"])
package("link-and-file", {"share/same": ("link", "elsewhere")}, ["clobber-a"])
package("dir", {"data/x": b"x\n"})
package("dir-as-link", {"data": ("link", "other"), "other/y": b"y\n"}, ["dir"])
package("dir-as-file", {"data": b"no directory\n"}, ["dir"])
package("names", {"share/" + "n" * 200: b"long\n", "share/" + "d" * 255 + "/" + "e" * 255 + "/f": b"deep\n", "share/zero": b"",
                  "share/Case": b"1\n", "share/case": b"2\n", "share/one": b"linked\n", "share/two": ("hard", "share/one")})
package("long", {"share/" + "n" * 256: b"too long\n"})
package("latin", {"share/caf\udce9": b"latin\n"}, files=b"share/caf\xe9\n")
PY
PYTHONPATH=$root/tests/fixtures "$python" make.py
# GNU tar makes a sparse member of a file with holes.
mkdir -p sparse/info sparse/lib
truncate -s 3000000 sparse/lib/holes
printf 'end' | dd of=sparse/lib/holes bs=1 seek=2000000 conv=notrunc status=none
echo '{"name": "sparse", "version": "1.0", "build": "0", "build_number": 0, "depends": [], "subdir": "linux-64"}' >sparse/info/index.json
echo '{"paths_version": 1, "paths": [{"_path": "lib/holes", "path_type": "hardlink"}]}' >sparse/info/paths.json
tar -C sparse --sparse -cjf sparse-1.0-0.tar.bz2 info lib
tar -tvjf sparse-1.0-0.tar.bz2 >/dev/null

build() { # OUTPUT PACKAGE…
    local out=$1
    shift
    { echo @EXPLICIT; echo "$channel/linux-64/python-3.11.7-stub_0_cpython.conda"; printf "$work/%s-1.0-0.tar.bz2\n" "$@"; } >list.txt
    "$tinderbox" build list.txt --name edge -o "$out"
}
quietly build good.run clobber-a clobber-b names sparse
grep -q "clobber-b-1.0-0.tar.bz2 replaces 'share/same' of clobber-a" log || fail "a replaced file is not said"
quietly "${offline[@]}" sh good.run -b -p "$work/p"
cd p/share
[ "$(cat same Case case one two)" = "$(printf 'b\n1\n2\nlinked\nlinked')" ] || fail "contents: $(cat same Case case one two)"
[ "$(cat "$(printf 'n%.0s' $(seq 200))")" = long ] || fail "a name of 200 bytes"
[ "$(cat "$(printf 'd%.0s' $(seq 255))/$(printf 'e%.0s' $(seq 255))/f")" = deep ] || fail "names of 255 bytes"
[ -f zero ] && [ ! -s zero ] || fail "a file of no bytes"
cmp ../lib/holes "$work/sparse/lib/holes" || fail "a sparse file"
cd "$work"
quietly sh good.run -b --uninstall -p "$work/p"
[ ! -e p ] || fail "--uninstall left $(find p | head -n 3)"
quietly build link.run clobber-a link-and-file
grep -q "link-and-file-1.0-0.tar.bz2 replaces 'share/same' of clobber-a" log || fail "a link in place of a file is not said"
quietly sh link.run -b -p "$work/l"
[ "$(readlink l/share/same)" = elsewhere ] || fail "the link did not replace the file"
expect 2 "replaces 'share/same'" env -C "$work" "$tinderbox" build list.txt --strict -o w.run

expect 2 "'data' is a link in dir-as-link, and a directory with 'data/x' in dir" build w.run dir dir-as-link
expect 2 "'data' is a file in dir-as-file, and a directory with 'data/x' in dir" build w.run dir dir-as-file
expect 2 "over 255 bytes" build w.run long
expect 2 "a path is not UTF-8" build w.run latin
[ ! -e w.run ] || fail "a failed build left its file"
echo "edge: clobbered, collided, long, sparse, linked, empty; refused with a reason"
