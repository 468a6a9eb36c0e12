#!/usr/bin/env bash
# Wheels from an index: HTML and JSON pages, failures, hostile indexes, --offline.
. "$(dirname "$0")/index.inc"
quietly build --index-url "$open/simple/" -o a.run
quietly build --index-url "$open/broken/" -o b.run # answers 500 twice, then the page
expect 8 "login" build --index-url "$open/login/" -o x.run
expect 8 "401" build --index-url "$closed/simple/" -o x.run
expect 8 "404 Not Found" build --index-url "$open/gone/" -o x.run
expect 8 "is plain http" build --index-url "http://198.51.100.1/simple/" -o x.run

# Pages of these are refused, and the sentence differs from that for a missing package.
hostile() { TINDERBOX_CACHE=$work/hostile expect 8 "$2" build --index-url "$open/$1/" -o x.run; }
hostile loop "redirects in a circle"
hostile bomb "the answer is larger than 134 MB, the most that is taken of it"
hostile null "JSON that is no package index (no list 'files')"
hostile odd "JSON that is no package index (no list 'files')"
hostile liar "was expected; the file was changed or damaged"

quietly build --index-url "$open/simple/" --offline -o offline.run
TINDERBOX_CACHE=$work/empty expect 8 "--offline" build --index-url "$open/simple/" --offline -o x.run
[ ! -e x.run ] || fail "a failed build left a file"

# The same environment, with its bytecode compiled at the target.
quietly build --index-url "$open/simple/" --bytecode install -o late.run
quietly sh late.run -b -p "$work/late"
[ -n "$(find late/lib -path '*site-packages*' -name 'six*.pyc')" ] || fail "no bytecode was compiled at the target"
