#!/usr/bin/env bash
# A base in a lock: by URL, pinned, cached, built again without network; its licence; packages shared with the
# environment.
. "$(dirname "$0")/common.inc"
conda_installers
cd "$work"
serve "$installers"
export TINDERBOX_CACHE=$work/cache
quietly "$tinderbox" lock "$channel/explicit.txt" --base "http://127.0.0.1:$port/Labconda-D.sh" --name lab -o a.lock
grep -q "\"sha256\": \"$(sha256sum <"$installers/Labconda-D.sh" | cut -c 1-64)\"" a.lock || fail "the base is not pinned"
quietly "$tinderbox" build a.lock -o locked.run
unserve
mkdir again
quietly "$tinderbox" build a.lock --offline -o again/locked.run
cmp locked.run again/locked.run || fail "two builds of one lock differ"
expect 2 "its base is" "$tinderbox" build a.lock --base none --offline -o w.run
expect 8 "Labconda-D.sh" env TINDERBOX_CACHE="$work/cache2" "$tinderbox" build a.lock --offline -o w.run
expect 8 "Miniforge3-" env TINDERBOX_CACHE="$work/cache2" "$tinderbox" build "$channel/explicit.txt" --base miniforge --offline -o w.run
expect 2 "known for linux-64 are" "$tinderbox" build "$channel/explicit.txt" --base miniconda=1.0 -o w.run
expect 2 "it brings an environment 'tools' of its own; give yours another name with --name" \
    "$tinderbox" build "$channel/explicit.txt" --base "$installers/Labconda-D.sh" --name tools -o w.run
[ ! -e w.run ] || fail "a failed build left its file"

# A package in base and environment is packed once: the environment adds only its own packages.
"$tinderbox" inspect locked.run --json >locked.json
"$python" - locked.json <<'PY'
import json, sys
m = json.load(open(sys.argv[1]))
assert m["base"] == "Labconda D-1" and m["base_installer"]["license"].startswith("Labconda's licence"), m["base"]
base = {p["name"]: p["sha256"] for p in m["packages"] if p["prefix"] == "base" and p["kind"] == "conda"}
environment = {p["name"]: p["sha256"] for p in m["packages"] if p["prefix"] == "env" and p["kind"] == "conda"}
assert len(base) == 10 and all(environment[n] == h for n, h in base.items()), base
assert m["install"]["inodes"] == m["parts"]["env"]["inodes"] + m["parts"]["base"]["inodes"]
PY

printf '\nno\n' | expect 7 "Labconda's licence" sh locked.run -i -p "$work/declined"
[ ! -e declined ] || fail "a declined licence left files"
sh locked.run --license >licences
grep -q "Labconda's licence: do as you like" licences || fail "--license does not show the base's"
