#!/usr/bin/env bash
# Members of conda packages and wheels, and files of --include, that lead out of the prefix or that everybody could change.
. "$(dirname "$0")/hostile.inc"
conda_channel
cd "$work"
printf '@EXPLICIT\n%s\n' "$channel/linux-64/python-3.11.7-stub_0_cpython.conda" "$work/bad-1.0-0.tar.bz2" >list.txt
made() { "$python" "$root/tests/tools/make_hostile_package.py" "$@"; }
refused() { # TEXT MEMBER…
    local text=$1
    shift
    made conda "$@"
    expect 2 "$text" "$tinderbox" build list.txt --name tiny -o bad.run
    grep -qF "bad-1.0-0.tar.bz2" out || fail "the package is not named ($*)"
    [ ! -e bad.run ] || fail "a failed build left its file ($*)"
}
refused "bad-1.0-0.tar.bz2:.tinderbox/state: .tinderbox is the installer's own" .tinderbox/state
refused "the installer's own" .Tinderbox
refused "the installer's own" envs/x/.tinderbox/manifest.json
refused "over 255 bytes" "share/$(printf 'x%.0s' {1..256})"
refused "there is room for" "$(printf 'a_directory_with_a_name/%.0s' {1..150})x"
refused "control character" 'share/a\nf 0 0 644 bin/sh'
refused "control character" 'share/a\x9b2J'
refused "control character" 'lib/up->\x01/../..'
refused "control character" 'lib/up->x\nf 0 0 644 bin/sh'
refused "leaves the package" 'lib/up->../../x'
refused "leaves the package" 'lib/up->/etc'
refused "through another link" 'a/up->..' 'b/out->../a/up/..'

# Modes: others may never write, and no bit but those for permissions stays.
made conda bin/open=4777 share/group=664 share/all=666 share/mine=600
quietly "$tinderbox" build list.txt --name tiny -o tiny.run
quietly sh tiny.run -b -p "$work/prefix"
[ -z "$(find prefix ! -type l -perm /7002)" ] || fail "open modes: $(find prefix ! -type l -perm /7002)"
modes=$(cd prefix && stat -c %a bin/open share/group share/all share/mine | tr '\n' ' ')
[ "$modes" = "755 664 644 600 " ] || fail "modes $modes"

# Wheels, by way of their .data; includes by way of construct.yaml and of a lock.
made wheel 'bad-1.0.data/data/.tinderbox/state'
printf './bad-1.0-py3-none-any.whl\n' >r.txt
head -n 2 list.txt >python.txt
expect 2 "bad-1.0-py3-none-any.whl:.tinderbox/state" "$tinderbox" build python.txt r.txt --no-index -o bad.run --name tiny
mkdir payload && touch payload/state && chmod 666 payload/state
ln -s ../../.. payload/out
expect 2 "leaves what is included" "$tinderbox" build list.txt --include payload --name tiny -o bad.run
rm payload/out
quietly "$tinderbox" build list.txt --include payload --name tiny -o inc.run
quietly sh inc.run -b -p "$work/inc"
[ "$(stat -c %a inc/share/tiny/payload/state)" = 644 ] || fail "an include that everybody may write into"
printf 'name: tiny\nversion: 1\nspecs: [python]\nextra_files:\n  - payload: .tinderbox\n' >construct.yaml
expect 2 "construct.yaml:5" "$tinderbox" build construct.yaml -o bad.run
[ ! -e bad.run ] || fail "a failed build left its file"
