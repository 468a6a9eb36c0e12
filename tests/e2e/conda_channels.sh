#!/usr/bin/env bash
# conda channels in every form a server has them: the same packages; asked for once, kept, read again when damaged.
. "$(dirname "$0")/conda_channels.inc"

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

# environment.yml with everything around a channel.
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
exec 7>&-
