#!/usr/bin/env bash
# NAME.run from the locks of other tools: every lock gives the same packages. Installs and imports them.
. "$(dirname "$0")/foreign_locks.inc"
run() { "$tinderbox" build "$@" --base none --bytecode install >log 2>&1 || { cat log; fail "exit status $?: build $*"; }; }
packages() {
    "$tinderbox" inspect "$1" --json | "$python" -c 'import json,sys
print(*sorted((p["kind"], p["name"], p["version"], p["sha256"]) for p in json.load(sys.stdin)["packages"] if p["kind"] in ("wheel", "conda")), sep="\n")'
}
run pixi.lock -o pixi.run
packages pixi.run >wanted
grep -q six wanted && grep -q colorama wanted && grep -q python wanted || { cat wanted; fail "a package is missing"; }
run conda-lock.yml -o conda-lock.run
run explicit.txt pylock.toml -o pylock.run
run explicit.txt project/uv.lock -o uv.run
for name in conda-lock pylock uv; do
    packages $name.run | diff wanted - || fail "$name.run has other packages than pixi.run"
done
# Our lock needs neither of these files.
"$tinderbox" lock explicit.txt project/uv.lock --base none -o ours.lock 2>/dev/null
unserve
run ours.lock -o ours.run --offline
packages ours.run | diff wanted - || fail "ours.run has other packages"

sh pixi.run -b -p "$work/env" >log 2>&1 || { cat log; fail "installing failed"; }
env -i HOME="$HOME" "$work/env/bin/python" -c 'import six, colorama; print(six.__version__)' | grep -qx 1.17.0 || fail "six cannot be imported"

# A wrong hash, and a lock without packages for the platform.
sed 's/\(sha256: \)[0-9a-f]\{8\}/\100000000/' pixi.lock >wrong.lock
serve www "$port"
expect 8 "SHA-256" env TINDERBOX_CACHE="$work/cache2" "$tinderbox" build wrong.lock -o w.run --base none
expect 2 "it has packages for linux-64, not for linux-aarch64" "$tinderbox" build pixi.lock -o w.run --base none --platform linux-aarch64
