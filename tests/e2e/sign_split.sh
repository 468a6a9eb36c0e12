#!/usr/bin/env bash
# Signatures that openssl accepts, and installers in volumes: made, checked, installed, mixed up, cut.
. "$(dirname "$0")/common.inc"
command -v openssl >/dev/null || skip "no openssl"
small_wheels
printf 'six==1.17.0\nnumpy==2.2.6\n' >"$work/requirements.txt"
make_run() { # OUTPUT ARGUMENTS…
    local output=$1
    shift
    "$tinderbox" build "$work/requirements.txt" --python-from "$python" --no-index --find-links "$links" "${filler[@]}" -o "$output" "$@" \
        >"$work/out" 2>&1 ||
        { cat "$work/out"; fail "the build failed: $*"; }
}
flip() { # FILE OFFSET
    python3 - "$1" "$2" <<'END2'
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(int(sys.argv[2])); b = f.read(1)
    f.seek(int(sys.argv[2])); f.write(bytes([b[0] ^ 0x20]))
END2
}
cd "$work"

# The first volume holds everything that lies before the packages. The stub alone has 44 MB when it is sanitized: volumes are
# larger then, and every installer gets bytes that do not compress, so that there are some volumes more.
split=$((8 << 20)) filler=()
expect 2 "give at least" "$tinderbox" build requirements.txt --python-from "$python" --no-index --find-links "$links" --split 1M -o small.run
least=$(sed -n 's/.*give at least \([0-9]*\).*/\1/p' out)
[ -n "$least" ] || fail "the least size of a volume is not said: $(cat out)"
if [ "$least" -gt "$split" ]; then
    split=$(((least / 1048576 + 8) << 20))
    head -c $((split * 3 / 2)) /dev/urandom >filler.bin
    filler=(--include filler.bin)
fi

# ---- keys and signatures
"$tinderbox" keygen key.pem 2>/dev/null
[ "$(stat -c %a key.pem)" = 600 ] || fail "the private key can be read by others"
openssl ec -in key.pem -check -noout 2>&1 | grep -q valid || fail "openssl does not accept the private key"
openssl ec -in key.pem -pubout 2>/dev/null | cmp - key.pub.pem || fail "the public key is not that of the private one"
expect 2 "is there already" "$tinderbox" keygen key.pem
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other.pem 2>/dev/null
openssl pkey -in other.pem -pubout -out other.pub.pem
openssl pkey -in other.pem -aes256 -passout pass:x -out locked.pem
expect 2 "is encrypted" "$tinderbox" build requirements.txt --python-from "$python" --sign locked.pem
expect 2 "public key; signing needs the private one" "$tinderbox" build requirements.txt --python-from "$python" --sign key.pub.pem

make_run plain.run
make_run signed.run
mv signed.run unsigned.run
make_run signed.run --sign key.pem
sha256sum --quiet -c plain.run.sha256 signed.run.sha256 || fail "sha256sum -c refuses what build wrote"
openssl dgst -sha256 -verify key.pub.pem -signature signed.run.sig signed.run >/dev/null || fail "openssl refuses the signature"
[ "$(cmp -l unsigned.run signed.run | wc -l)" -le 512 ] || fail "a signed build differs in more than the slot"
[ ! -e plain.run.sig ] || fail "an unsigned build has a signature"
"$tinderbox" verify signed.run --key key.pub.pem 2>/dev/null || fail "verify refuses its own signature"
expect 4 "is not signed" "$tinderbox" verify plain.run --key key.pub.pem
expect 4 "is not signed" sh plain.run -b -p "$work/p" --key key.pub.pem
expect 4 "signed with another key" "$tinderbox" verify signed.run --key other.pub.pem
expect 4 "signed with another key" sh signed.run -b -p "$work/p" --key other.pub.pem
expect 2 "is a private key" sh signed.run -b -p "$work/p" --key key.pem
expect 2 "cannot open" sh signed.run -b -p "$work/p" --key none.pem
[ ! -e p ] || fail "something was installed in spite of a wrong signature"

# The slot answers for a file that lost its .sig; openssl checks that, too.
mv signed.run.sig kept.sig
"$tinderbox" verify signed.run --key key.pub.pem 2>/dev/null || fail "the signature in the file is not accepted"
"$tinderbox" inspect signed.run --json >manifest.json
python3 - signed.run manifest.json <<'END2'
import json, sys
slot = next(s for s in json.load(open("manifest.json"))["sections"] if s["name"] == "signature")
with open("signed.run", "rb") as f:
    f.seek(slot["offset"]); data = f.read(slot["size"])
assert data[:12] == b"TNDRSIG\n\x01\0\0\0", data[:12]
size = int.from_bytes(data[12:16], "little")
open("slot.der", "wb").write(data[48:48 + size])
open("slot_offset", "w").write(str(slot["offset"]))
END2
openssl dgst -sha256 -verify key.pub.pem -signature slot.der manifest.json >/dev/null || fail "openssl refuses the signature in the file"
cp signed.run bad.run
flip bad.run $(($(cat slot_offset) + 60))
expect 4 "does not match" "$tinderbox" verify bad.run --key key.pub.pem
cp signed.run bad.run
flip bad.run $(($(stat -c %s bad.run) / 2))
expect 4 "damaged" "$tinderbox" verify bad.run --key key.pub.pem
cp kept.sig bad.run.sig
expect 4 "does not match" "$tinderbox" verify bad.run --key key.pub.pem
rm bad.run bad.run.sig

# A damaged and a foreign .sig.
head -c 40 kept.sig >signed.run.sig
expect 4 "is damaged" "$tinderbox" verify signed.run --key key.pub.pem
cp kept.sig signed.run.sig
flip signed.run.sig 20
expect 4 "does not match" "$tinderbox" verify signed.run --key key.pub.pem
cp kept.sig signed.run.sig

# Signed afterwards, by another tool's key and by another tool.
"$tinderbox" sign plain.run --key other.pem 2>/dev/null
openssl dgst -sha256 -verify other.pub.pem -signature plain.run.sig plain.run >/dev/null || fail "openssl refuses 'tinderbox sign'"
openssl dgst -sha256 -sign other.pem -out plain.run.sig plain.run
"$tinderbox" verify plain.run --key other.pub.pem 2>/dev/null || fail "a signature by openssl is refused"
expect 4 "does not match" "$tinderbox" verify plain.run --key key.pub.pem
sh plain.run -b -p "$work/p" --key other.pub.pem >out 2>&1 || { cat out; fail "a signed installer does not install"; }
p/bin/python -c 'import numpy'
rm -rf p
make_run plain.run # the signature of what it replaces must not stay
[ ! -e plain.run.sig ] || fail "the signature of an older build is left"

# ---- volumes
expect 2 "--split needs a size" "$tinderbox" build requirements.txt --python-from "$python" --split many
make_run set.run --split "$split" --sign key.pem
volumes=$(ls set.run set.run.0* | wc -l)
[ "$volumes" -ge 3 ] || fail "only $volumes volumes: $(ls -l)"
for volume in set.run set.run.0*; do
    [ "$(stat -c %s "$volume")" -lt "$split" ] || fail "$volume is too large"
done
sha256sum --quiet -c set.run.sha256 || fail "sha256sum -c refuses the volumes"
[ "$(wc -l <set.run.sha256)" = "$volumes" ] || fail "not every volume is in set.run.sha256"
cat set.run set.run.0* | openssl dgst -sha256 -verify key.pub.pem -signature set.run.sig >/dev/null || fail "openssl refuses the signature of the set"
"$tinderbox" verify set.run --key key.pub.pem 2>/dev/null || fail "verify refuses the set"
cp set.run.sha256 first.sha256
make_run set.run --split "$split" --sign key.pem
cmp set.run.sha256 first.sha256 || fail "two builds differ"
"$tinderbox" inspect set.run | grep -q numpy || fail "inspect does not read a set"
"$tinderbox" inspect set.run --files | grep -q six.py || fail "inspect --files does not read a set"
sh set.run --list | grep -q numpy
sh set.run --verify-file >/dev/null
sh set.run --check -p "$work/p" >/dev/null
sh set.run -b -p "$work/p" --key key.pub.pem >out 2>&1 || { cat out; fail "a set does not install"; }
p/bin/python -c 'import numpy; assert numpy.arange(3).sum() == 3'
mv p q # the prefix is part of some files
sh plain.run -b -p "$work/p" >/dev/null 2>&1
diff -r --exclude=.tinderbox --exclude='*.pyc' p q >out || { head out; fail "the set installs another tree"; }
rm -rf p q

# Mix-ups and cuts, each with the name of the file.
expect 2 "start the first one" sh set.run.002 -b
expect 2 "name the first one" "$tinderbox" verify set.run.002
expect 2 "name the first one" "$tinderbox" inspect set.run.002
expect 2 "name the first one" "$tinderbox" diff set.run set.run.002
mkdir moved
mv set.run.002 moved/
for command in "--list" "--check" "--verify-file" "-b -p $work/p" "--license"; do
    # shellcheck disable=SC2086
    expect 4 "set.run.002' is not there" sh set.run $command
done
expect 4 "set.run.002' is not there" "$tinderbox" verify set.run
sh set.run -h | grep -q 'usage:' || fail "no help without all volumes"
# Asked for: its directory, then its file.
printf '%s\n' "$work/moved" | sh set.run --list -i >out 2>err || { cat err; fail "the directory of a volume is not accepted"; }
grep -q numpy out
printf '%s\n%s\n' "$work/nowhere" "$work/moved/set.run.002" | sh set.run --list -i >out 2>err || { cat err; fail "a volume's file is not accepted"; }
printf 'q\n' | expect 4 "is not there" sh set.run --list -i
cp set.run.003 set.run.002
expect 4 "holds volume 3 of $volumes, not volume 2" sh set.run --list
cp plain.run set.run.002
expect 4 "no volume" sh set.run --list
for cut in 0 100 4095 4096 5000 $((4 << 20)); do
    head -c "$cut" moved/set.run.002 >set.run.002
    expect 4 "set.run.002' is incomplete" sh set.run -b -p "$work/p"
done
cp moved/set.run.002 set.run.002
echo more >>set.run.002
expect 4 "5 bytes after its end" sh set.run --list
for at in 10 2050 2060 3000 4090; do
    cp moved/set.run.002 set.run.002
    flip set.run.002 "$at"
    expect 4 "set.run.002" sh set.run --list
done
cp moved/set.run.002 set.run.002
flip set.run.002 1000000
expect 4 "damaged" sh set.run -b -p "$work/p"
expect 4 "damaged" sh set.run --verify-file
[ ! -e p ] || fail "a damaged set left something behind"
# A volume of another installer with the same number of volumes.
printf 'six==1.17.0\nnumpy==2.2.6\nmarkupsafe==3.0.3\n' >requirements.txt
make_run other.run --split "$split"
cp other.run.002 set.run.002
expect 4 "belongs to another installer" sh set.run --list
cp moved/set.run.002 set.run.002
last=$(ls set.run.0* | tail -n 1)
cp "$last" kept.last
cp "other.run${last#set.run}" "$last"
expect 4 "belongs to another installer" sh set.run --list
cp kept.last "$last"
cp other.run set.run
expect 4 "belongs to another installer" sh set.run --list

# Built again as one file, the further volumes of the old set go.
make_run other.run
ls other.run.0* >/dev/null 2>&1 && fail "volumes of the old set are left"
"$tinderbox" verify other.run 2>/dev/null
make_run huge.run --split 4G
[ ! -e huge.run.002 ] || fail "an installer of less than 4 GiB was split"
echo "sign_split: openssl agrees; $volumes volumes install as one; every cut and mix-up was named"
