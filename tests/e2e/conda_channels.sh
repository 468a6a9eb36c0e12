#!/usr/bin/env bash
# conda channels in every form that servers offer, and hostile servers. The packages are real (rattler-build).
. "$(dirname "$0")/common.inc"

test_venv
"$venv/bin/python" "$root/tests/fixtures/make_conda_packages.py" "$work/channel" >"$work/log" 2>&1 || { cat "$work/log"; fail "no packages"; }
export TINDERBOX_CACHE=$work/cache
exec 7> >(exec "$venv/bin/python" "$root/tests/tools/conda_server.py" "$work/channel" "$work/requests" >"$work/port" 2>"$work/server.log")
wait_for test -s "$work/port" || { cat "$work/server.log"; fail "no server"; }
url=http://127.0.0.1:$(cat "$work/port")
# Chooses the package with the most dependencies in the channel.
name=$("$venv/bin/python" - "$work/channel" <<'EOF'
import glob, json, sys
rows = [r for p in glob.glob(sys.argv[1] + "/*/repodata.json") for s in ("packages", "packages.conda") for r in json.load(open(p)).get(s, {}).values()]
names = {r["name"] for r in rows}
closed = [r for r in rows if all(d.split()[0] in names for d in r.get("depends", [])) and r["name"] != "python"]
print(max(closed, key=lambda r: len(r.get("depends", [])))["name"])
EOF
)
plan() { "$tinderbox" build --plan --json --base none --name x --channel "$url/$1" --conda "$name" "${@:2}"; }

plan plain >"$work/plain.json" || fail "plain"
for form in zst gzip shards current; do
    plan "$form" >"$work/$form.json" 2>"$work/err" || { cat "$work/err"; fail "$form"; }
    # Every form gives the same packages.
    for f in plain "$form"; do "$venv/bin/python" -c 'import json, sys
for a in json.load(open(sys.argv[1]))["lock"]["artifacts"]: print(a["name"], a["version"], a["build"], a.get("sha256"), a.get("size"))' "$work/$f.json" >"$work/$f.list"; done
    cmp "$work/plain.list" "$work/$form.list" || { diff "$work/plain.list" "$work/$form.list"; fail "$form differs"; }
done

# The second time the server is asked once and answers 304, and the index is not read again. Offline the server is not
# asked.
: >"$work/requests"
plan plain >/dev/null
grep -q 'repodata.json 304' "$work/requests" || { cat "$work/requests"; fail "no 304"; }
! grep -q 'repodata.json 200' "$work/requests" || fail "read again"
: >"$work/requests"
plan plain --offline >/dev/null || fail "offline"
[ ! -s "$work/requests" ] || fail "offline asked the server"
expect 8 "--offline: the index of '$url/never/linux-64/' is not in the cache" plan never --offline
# A damaged cache is read anew.
for index in "$work"/cache/repodata/*.index; do printf 'x' | dd of="$index" bs=1 seek=40 conv=notrunc 2>/dev/null; done
plan plain >"$work/again.json" || fail "damaged cache"
cmp "$work/plain.json" "$work/again.json" || fail "another answer from a damaged cache"

expect 8 "redirects in a circle" plan loop
expect 8 "redirects in a circle" plan ping
expect 8 "repodata_shards.msgpack.zst: the answer is larger than 67.1 MB, the most that is taken of it" plan endless
expect 8 "repodata.json: the answer is larger than 4.29 GB, the most that is taken of it" plan huge
expect 8 "it is cut short" plan cutzst
expect 8 "it has an entry of more than 4194304 bytes" plan blanks
expect 8 "it has an entry of more than 4194304 bytes" plan entry
expect 8 "it decompresses to more than 67108864 bytes" plan shardbomb
expect 8 "the shard of 'odd' has no SHA-256" plan oddshards
for odd in null list text number; do expect 8 "it is not valid repodata.json: a '{' was expected at byte 0" plan "$odd"; done
expect 8 "it is not valid repodata.json: an object of packages was expected at byte 12" plan packages-list
expect 9 "no channel has a package of that name" plan package-number
expect 8 "a web page instead of the channel's index" plan html
expect 8 "cut short" plan cut
expect 8 "not valid zstd data" plan junk
expect 8 "there is no conda channel" plan nothing
expect 8 "asks for a login (HTTP 401)" plan secret
TINDERBOX_CACHE=$work/cache-evil expect 8 "SHA-256" plan evil # this name's shards are already in the first cache
"$tinderbox" build --plan --json --base none --name x --channel "http://user:canary@127.0.0.1:${url##*:}/secret" --conda "$name" >"$work/secret.json" || fail "login"
! grep -q canary "$work/secret.json" || fail "the password is in the lock"
! grep -rq canary "$work/cache" || fail "the password is in the cache"
expect 8 "was expected; the file was changed or damaged" "$tinderbox" build --base none --name x --channel "$url/lies" --conda "$name" -o "$work/x.run"
# Wrong sizes: at most the announced bytes are read, and a shorter file is reported.
TINDERBOX_CACHE=$work/cache-less expect 8 "bytes that were expected" "$tinderbox" build --base none --name x --channel "$url/less" --conda "$name" -o "$work/x.run"
TINDERBOX_CACHE=$work/cache-more expect 8 "were expected" "$tinderbox" build --base none --name x --channel "$url/more" --conda "$name" -o "$work/x.run"
[ ! -e "$work/x.run" ] || fail "a package that is not what the channel says was built"
# An environment.yml with every option of channels.
cat >"$work/environment.yml" <<EOF
name: lab
channels: [lab, nodefaults]
dependencies:
  - lab::$name
EOF
printf 'channel_alias: %s\ncustom_channels:\n  lab: %s\n' "$url" "file://$work/alias" >"$HOME/.condarc"
mkdir -p "$work/alias" && ln -s "$work/channel" "$work/alias/lab"
"$tinderbox" build --plan --json --base none "$work/environment.yml" >"$work/lab.json" 2>"$work/err" || { cat "$work/err"; fail "custom channel"; }
grep -q "file://$work/alias/lab" "$work/lab.json" || fail "custom_channels"
rm "$HOME/.condarc"
expect 9 "no channel has a package of that name" "$tinderbox" build --plan --channel "$url/plain" --conda nothing-of-this-name --name x --base none
expect 2 "is no directory" "$tinderbox" build --plan --channel ./nowhere --conda x --name x --base none
exec 7>&-
