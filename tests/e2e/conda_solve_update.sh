#!/usr/bin/env bash
# lock --update: one package moves, the other conda packages keep their versions, and a pinned package that blocks it is
# named.
. "$(dirname "$0")/common.inc"
export TINDERBOX_CACHE=$work/cache
cd "$work"
channel() { python3 "$root/tests/tools/small_channel.py" moving "$@"; }
lock() { "$tinderbox" lock update.yml --base none -o update.lock "$@"; }
versions() { python3 -c 'import json; print(*sorted(a["name"] + "-" + a["version"] for a in json.load(open("update.lock"))["artifacts"]))'; }
cat >update.yml <<EOF
name: update
channels: [$work/moving]
dependencies: [a, c]
EOF

channel a/1.0/b b/1.0 c/1.0
quietly lock
[ "$(versions)" = "a-1.0 b-1.0 c-1.0" ] || fail "the first lock: $(versions)"
channel a/1.0/b b/1.0 c/1.0 a/2.0/b b/2.0 c/2.0
expect 0 "changed a 1.0 0 → 2.0 0" lock --update a
[ "$(versions)" = "a-2.0 b-1.0 c-1.0" ] || fail "--update a moved another package: $(versions)"
# a 3.0 needs a newer b than the pinned one.
channel a/1.0/b b/1.0 c/1.0 a/2.0/b b/2.0 c/2.0 'a/3.0/b >=2'
quietly lock --update a
[ "$(versions)" = "a-2.0 b-1.0 c-1.0" ] || fail "--update a moved b: $(versions)"
sed -i 's/dependencies: .*/dependencies: [a=3, c]/' update.yml
expect 9 "--update b" lock --update a
expect 0 "changed b 1.0 0 → 2.0 0" lock --update a --update b
[ "$(versions)" = "a-3.0 b-2.0 c-1.0" ] || fail "--update a --update b: $(versions)"
