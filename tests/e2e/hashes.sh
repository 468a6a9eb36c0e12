#!/usr/bin/env bash
# Every hash that is given is compared with the file or refused: on an index page, behind a URL, in locks.
. "$(dirname "$0")/common.inc"
small_wheels
cd "$work"
export TINDERBOX_CACHE=$work/cache
wheel=$(basename "$links"/six-*.whl)
mkdir -p www/simple/six
cp "$links/$wheel" www/simple/six/
serve www
site=http://127.0.0.1:$port/simple
hash() { "$1sum" "$links/$wheel" | cut -d ' ' -f 1; }
page() { echo "<a href='$wheel#$1'>$wheel</a>" >www/simple/six/index.html; }
wrong() { hash "$1" | tr 0123456789 1234567890; }
lock() { rm -rf "${work:?}/cache/documents"; "$tinderbox" lock --pip-only --python-from "$python" -o out.lock "$@"; }
locks() { expect 0 locked lock "$@"; grep -q "$(hash sha256)" out.lock || fail "no SHA-256 in the lock: $*"; }

for algorithm in md5 sha1 sha224 sha256 sha384 sha512; do
    page "$algorithm=$(hash $algorithm)"
    locks --index-url "$site" --pip six
    locks --pip "six @ $site/six/$wheel#$algorithm=$(hash $algorithm)"
    locks --pip "$links/$wheel" # a path beside it has none
    page "$algorithm=$(wrong $algorithm)"
    rm -rf "${work:?}/cache"
    expect 8 "$(wrong $algorithm) was expected" "$tinderbox" build --pip six --index-url "$site" --python-from "$python" -o out.run
    expect 8 "$(wrong $algorithm) was expected" "$tinderbox" build --pip "six @ $site/six/$wheel#$algorithm=$(wrong $algorithm)" --python-from "$python" -o out.run
    expect 2 "$(wrong $algorithm) was expected" "$tinderbox" build --pip "six @ file://$links/$wheel#$algorithm=$(wrong $algorithm)" --python-from "$python" -o out.run
done
# Another length, and an algorithm that is not known.
page "sha512=$(hash sha256)"
expect 8 "128 hexadecimal digits" lock --index-url "$site" --pip six
expect 2 "command line: --pip: the hash" lock --pip "six @ $site/six/$wheel#sha384=12"
expect 2 "cannot be checked" lock --pip "six @ $site/six/$wheel#blake2b=12"
# --hash in any of pip's algorithms, whatever the index says; of several one is enough, as pip does.
requirement() { printf 'six==1.17.0'; printf ' --hash=%s' "$@"; echo; }
judge() { # yes|no HASH…: pip and Tinderbox agree
    local wanted=$1 status=0
    shift
    requirement "$@" >r.txt
    env -u PIP_FIND_LINKS "$python" -m pip download -q --no-deps --no-cache-dir --index-url "$site" -d got -r r.txt >pip.log 2>&1 || status=$?
    [ "$wanted" = "$([ $status = 0 ] && echo yes || echo no)" ] || { cat pip.log; fail "pip says otherwise: $*"; }
    rm -rf "${work:?}/cache"
    status=0
    lock --index-url "$site" r.txt >log 2>&1 || status=$?
    [ "$wanted" = "$([ $status = 0 ] && echo yes || echo no)" ] || { cat log; fail "$wanted is not what Tinderbox says of $*"; }
    [ "$wanted" = no ] || grep -q "$(hash sha256)" out.lock || fail "no SHA-256 in the lock: $*"
}
for offered in sha256 sha512; do
    page "$offered=$(hash $offered)"
    for algorithm in sha256 sha384 sha512; do
        judge yes "$algorithm:$(hash $algorithm)"
        judge no "$algorithm:$(wrong $algorithm)"
        judge yes "$algorithm:$(wrong $algorithm)" "$algorithm:$(hash $algorithm)"
    done
    judge yes "sha256:$(wrong sha256)" "sha512:$(hash sha512)"
    judge yes "sha384:$(wrong sha384)" "sha256:$(hash sha256)"
    judge no "sha384:$(wrong sha384)" "sha512:$(wrong sha512)"
done

pylock() {
    printf 'lock-version = "1.0"\ncreated-by = "hand"\n[[packages]]\nname = "six"\nwheels = [{url = "%s", hashes = {%s}}]\n' \
        "$site/six/$wheel" "$1" >pylock.toml
}
pylock "sha512 = \"$(hash sha512)\""
locks pylock.toml
grep -q '"version": "1.17.0"' out.lock || fail "a pylock.toml without a version has that of its wheel"
grep -q "sha512:$(hash sha512)" out.lock || fail "the lock forgets the hash"
pylock "sha256 = \"$(hash sha256)\", sha512 = \"$(wrong sha512)\""
expect 0 locked lock pylock.toml
for spec in pylock.toml out.lock; do
    expect 8 "$(wrong sha512) was expected" "$tinderbox" build "$spec" --python-from "$python" -o out.run
done
[ ! -e out.run ] || fail "a wrong hash built an installer"
