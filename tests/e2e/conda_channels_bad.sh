#!/usr/bin/env bash
# Servers of conda channels that mean no good, or have not what was asked for: one sentence, and nothing is built.
. "$(dirname "$0")/conda_channels.inc"

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
TINDERBOX_CACHE=$work/cache-evil expect 8 "SHA-256" plan evil # its shards have names that the cache knows from before
"$tinderbox" build --plan --json --base none --name x --channel "http://user:canary@127.0.0.1:${url##*:}/secret" --conda "$name" >"$work/secret.json" || fail "login"
! grep -q canary "$work/secret.json" || fail "the password is in the lock"
! grep -rq canary "$work/cache" || fail "the password is in the cache"
expect 8 "was expected; the file was changed or damaged" "$tinderbox" build --base none --name x --channel "$url/lies" --conda "$name" -o "$work/x.run"
# Sizes that are not the packages': what was announced is all that is taken, and less is said to be less.
TINDERBOX_CACHE=$work/cache-less expect 8 "bytes that were expected" "$tinderbox" build --base none --name x --channel "$url/less" --conda "$name" -o "$work/x.run"
TINDERBOX_CACHE=$work/cache-more expect 8 "were expected" "$tinderbox" build --base none --name x --channel "$url/more" --conda "$name" -o "$work/x.run"
[ ! -e "$work/x.run" ] || fail "a package that is not what the channel says was built"
expect 9 "no channel has a package of that name" "$tinderbox" build --plan --channel "$url/plain" --conda nothing-of-this-name --name x --base none
expect 2 "is no directory" "$tinderbox" build --plan --channel ./nowhere --conda x --name x --base none
exec 7>&-
