#!/usr/bin/env bash
# Bases that are damaged, foreign, or for another platform. A base for another platform can be read, locked and planned;
# its .run needs a stub for that platform.
. "$(dirname "$0")/common.inc"
conda_installers
cd "$work"
quietly "$tinderbox" build "$channel/explicit.txt" --base "$installers/Labconda-D.sh" --name lab -o both.run
d=$installers/Labconda-D.sh
size=$(stat -c %s "$d")
bad() { expect 2 "$1" "$tinderbox" build --base x.sh "$channel/explicit.txt" -o w.run; }
head -c 20000 "$d" >x.sh && bad "x.sh: it is cut short: it has 20000 bytes, and its header declares $size"
head -c 300 "$d" >x.sh && bad "x.sh: it is cut short: its 300 bytes end inside the header"
cat "$d" >x.sh && printf 'X' | dd of=x.sh bs=1 seek=$((size - 9000)) conv=notrunc status=none && bad "its payload is damaged: it has the MD5"
sed 's/^# PLAT:  linux-64/# PLAT:  osx-arm64/' "$d" >x.sh && bad "for macOS on ARM (osx-arm64)"
echo '<!DOCTYPE html><html>' >x.sh && bad "an HTML page"
cp both.run x.sh && bad "an installer that Tinderbox made"
cp "$tinderbox" x.sh && bad "an ELF program"
[ ! -e w.run ] || fail "a failed build left its file"

[ "$(uname -m)" = x86_64 ] || exit 0
sed 's/^# PLAT:  linux-64/# PLAT:  linux-aarch64/' "$d" >x.sh
other=(--platform linux-aarch64 --name x --conda "$channel/noarch/tinder-noarch-0.3-pyh0_2.conda")
quietly "$tinderbox" lock --base x.sh "${other[@]}" -o other.lock
grep -q '"platform": "linux-aarch64"' other.lock && grep -q "\"sha256\": \"$(sha256sum <x.sh | cut -c 1-64)\"" other.lock || fail "the lock of another platform"
expect 0 "tinder-noarch" "$tinderbox" build --plan --base x.sh "${other[@]}"
expect 2 "this tinderbox makes installers for linux-64, and the request is for linux-aarch64; lock it here" "$tinderbox" build other.lock -o w.run
expect 2 "it installs a conda for linux-64" "$tinderbox" lock --base "$d" "${other[@]}" -o w.lock
"$python" - both.run foreign.run <<'PY'
import sys
data = open(sys.argv[1], "rb").read()
at = data.index(b"want_cpu=x86_64\n")
end = data.index(b"\n\n\n", at) + 1
open(sys.argv[2], "wb").write(data[:at] + b"want_cpu=aarch64\n" + data[at + 16:end] + data[end + 1:])
PY
"$python" "$root/tests/tools/seal_header.py" foreign.run
[ "$(stat -c %s foreign.run)" = "$(stat -c %s both.run)" ] || fail "the changed header has another size"
expect 3 "this installer is for aarch64 processors, this machine has x86_64" sh foreign.run --check
