#!/usr/bin/env bash
# Conda packages from a server, then from the cache; wrong hashes; a prefix that is too long for a binary.
. "$(dirname "$0")/common.inc"
[ ${#work} -le 100 ] || skip "TMPDIR is too long: prefixes of 150 bytes are made below it"
conda_channel
cd "$work"
serve "$channel"
# An own cache and the stub Python, because only the source of the bytes matters here.
sed "s|file://$channel|http://127.0.0.1:$port|" "$channel/explicit.txt" >http.txt
served() { TINDERBOX_CACHE=$work/cache "$tinderbox" build "$@"; }
expect 8 "not in the cache" served http.txt -o h.run --offline
quietly served http.txt -o h.run
sed '/text-1.0/s/#.*/#00000000000000000000000000000000/' http.txt >wrong.txt
expect 8 "tinder-text-1.0-0.conda" env TINDERBOX_CACHE="$work/cache2" "$tinderbox" build wrong.txt -o w.run
sed 's|/noarch/|/nowhere/|' http.txt >missing.txt
expect 8 "nowhere/tinder-noarch" env TINDERBOX_CACHE="$work/cache3" "$tinderbox" build missing.txt -o w.run
unserve
mkdir h2
quietly served http.txt -o h2/h.run --offline
cmp h.run h2/h.run || fail "the build from the cache differs"

sed '/text-1.0/s/#.*/#00000000000000000000000000000000/' "$channel/explicit.txt" >wrong.txt
expect 2 "tinder-text-1.0-0.conda" "$tinderbox" build wrong.txt -o w.run
md5=$(md5sum <"$channel/linux-64/tinder-text-1.0-0.conda" | cut -c 1-32)
sed "/text-1.0/s/#.*/#$md5/" "$channel/explicit.txt" >right.txt
quietly "$tinderbox" build right.txt -o m.run
[ ! -e w.run ] || fail "a failed build left its file"

quietly "${offline[@]}" sh h.run -b -s -p "$work/no-scripts"
[ ! -e no-scripts/share/post-linked ] || fail "-s ran a post-link script"
[ -e no-scripts/bin/.tinder-post-post-link.sh ] || fail "-s left the script out"

# A binary has 150 bytes for the prefix.
limit=$work/$(printf '%0151d' 0 | tr 0 p | cut -c "$((${#work} + 2))-151")
expect 2 "lib/old.bin" sh h.run -b -p "$limit/"
grep -q "at most 150 bytes" out || { cat out; fail "the limit is not named"; }
deep=$work/new/$(printf 'd%.0s' $(seq 230))/env
expect 2 "has room for 150" sh h.run -b -p "$deep"
[ ! -e "$limit" ] && [ ! -e new ] || fail "a refused prefix was written to"
quietly sh h.run -b -s -p "${limit%p}"
