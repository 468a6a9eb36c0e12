#!/usr/bin/env bash
# A NAME.run from anybody: names, paths, links and modes that lead out of the prefix, bytes in the signature slot, files that
# are not those of the table. Each is refused as damaged, and nothing is written.
. "$(dirname "$0")/hostile.inc"
tiny_run
"$python" -c 'import zstandard' 2>/dev/null || skip "the test venv has no zstandard"
"$tinderbox" keygen key.pem 2>/dev/null

# hostile TEXT CHANGE…: the file with this change (Python, `run` is it) is refused with the text.
hostile() {
    local text=$1
    shift
    PYTHONPATH=$root/tests/tools "$python" -c 'import sys; from edit_run import Run
run = Run("tiny.run")
table, manifest = run.table["destinations"], run.manifest
link = {"root": 0, "kind": 2, "flags": 0, "mode": 0o777, "mtime": 0, "path": b"zz", "link": b"bin", "content": 0, "package": 0}
exec(sys.argv[1])
run.write("bad.run")' "$1"
    expect 4 "$text" sh bad.run -b -p "$work/prefix"
    [ ! -e prefix ] && [ -z "$(find . -name '.*tinderbox*')" ] || fail "something was written: $1"
}
hostile "cannot be an environment's name" 'manifest["env_name"] = "../x"'
hostile "cannot be an environment's name" 'manifest["env_name"] = "a$(touch x)"'
hostile "cannot be an installer's name" 'manifest["name"] = ".."'
hostile "cannot be a variable's name" 'manifest["variables"] = {"A;touch x;B": "1"}'
hostile "control character" 'manifest["variables"] = {"A": "1\ntouch x"}'
hostile "'..' component" 'manifest["python"]["executable"] = "../../bin/sh"'
hostile "the path is absolute" 'manifest["scripts"] = [{"package": "p", "version": "1", "build_number": "0", "path": "/bin/sh"}]'
hostile "the installer's own directory" 'table[0]["path"] = b".tinderbox/state"'
hostile "the installer's own directory" 'table[0]["path"] = b".TINDERBOX"'
hostile "over 255 bytes" 'table[0]["path"] = b"x" * 256'
hostile "there is room for" 'table[0]["path"] = (b"x" * 200 + b"/") * 15 + b"x"'
hostile "control character" 'table[0]["path"] = b"bin/a\nf 0 0 644 b"'
hostile "everybody could write" 'table[0]["mode"] = 0o777'
hostile "permission bits" 'table[0]["mode"] = 0o4755'
for target in '/etc' '../x' '\x01/../..' '\x01x' 'a/../../b'; do hostile "leaves the prefix" "table.append(link | {'link': b'$target'})"; done
hostile "control character" 'table.append(link | {"link": b"bin\nf 0 0 644 x"})'
hostile "through another one" 'table += [link | {"path": b"z/up", "link": b".."}, link | {"path": b"zz/x", "link": b"../z/up/.."}]'
hostile "the signature in the file is damaged" 'run.replace("signature", bytes(511) + b"x")'
hostile "several sections signature" 'run.parts.insert(-1, ("signature", bytes(512)))'

# A changed file behind right hashes of its block: found by whoever reads every byte, and never put in place by a repair.
PYTHONPATH=$root/tests/tools "$python" -c 'from edit_run import Run
run = Run("tiny.run")
content = next(c for d in run.table["destinations"] if d["kind"] == 0 for c in [run.table["contents"][d["content"]]] if c["size"] and not c["relocs"])
content["sha256"] = bytes(32)
run.write("bad.run")'
expect 4 "is not the file that the file table names" sh bad.run --verify-file
expect 4 "is not the file that the file table names" "$tinderbox" verify bad.run
quietly sh bad.run -b -p "$work/other"
find other/bin other/lib -type f -delete
expect 4 "is not the file that the file table names" sh bad.run --repair -p "$work/other"
quietly "$tinderbox" build list.txt --name tiny --sign key.pem -o signed.run
mv signed.run.sig kept.sig && mkfifo signed.run.sig
expect 4 "is no signature" timeout 20 "$tinderbox" verify signed.run --key key.pub.pem
