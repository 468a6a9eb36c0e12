#!/usr/bin/env bash
# Pages of a server that name files of this machine: an index page, a channel's base_url, a redirect. A page on this machine may.
. "$(dirname "$0")/hostile.inc"
small_wheels
cd "$work"
mkdir -p site/simple/six site/conda/noarch site/conda/linux-64
cp "$links"/six-*.whl . && wheel=$(ls six-*.whl)
export TINDERBOX_CACHE=$work/cache
page() { rm -rf cache; printf "$@" >site/simple/six/index.html; }
locked() { "$tinderbox" lock --pip-only --python 3.11 --pip six --index-url "$1" -o x.lock; }
serve site
page '<a href="file://%s/%s">x</a>' "$work" "$wheel"
expect 8 "is a file of this machine" locked "http://127.0.0.1:$port/simple"
page '<base href="file://%s/"><a href="%s">x</a>' "$work" "$wheel"
expect 8 "is a file of this machine" locked "http://127.0.0.1:$port/simple"
[ ! -e x.lock ] || fail "a lock with a file of this machine"
quietly locked "file://$work/site/simple" # a page of this machine may
# Beside another file the entry is passed over.
cp "$wheel" site/simple/six/
page '<a href="file:///etc/six-9.0-py3-none-any.whl">x</a><a href="%s">x</a>' "$wheel"
quietly locked "http://127.0.0.1:$port/simple"
grep -q '"version": "1.17.0"' x.lock || fail "not the file of the server"
rm x.lock

# A channel whose packages would lie here.
printf '{"info": {"subdir": "noarch", "base_url": "file://%s/"}, "packages": {}, "packages.conda": {"a-1-0.conda": {"name": "a", "version": "1", "build": "0", "build_number": 0, "depends": [], "subdir": "noarch", "sha256": "%064d", "size": 1}}}' "$work" 0 >site/conda/noarch/repodata.json
printf '{"info": {"subdir": "linux-64"}, "packages": {}, "packages.conda": {}}' >site/conda/linux-64/repodata.json
expect 8 "is a file of this machine" "$tinderbox" lock --conda a --channel "http://127.0.0.1:$port/conda" --base none -o x.lock
[ ! -e x.lock ] || fail "a lock with a file of this machine"
