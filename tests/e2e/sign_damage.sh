#!/usr/bin/env bash
# A signed file without its .sig, a changed one, and one with a damaged or foreign .sig.
. "$(dirname "$0")/volumes.inc"
"$tinderbox" keygen key.pem 2>/dev/null
build signed.run --sign key.pem

# Without the .sig the signature slot counts; openssl checks it, too.
mv signed.run.sig kept.sig
quietly "$tinderbox" verify signed.run --key key.pub.pem
"$tinderbox" inspect signed.run --json >manifest.json
python3 - signed.run manifest.json <<'END'
import json, sys
slot = next(s for s in json.load(open("manifest.json"))["sections"] if s["name"] == "signature")
with open("signed.run", "rb") as f:
    f.seek(slot["offset"]); data = f.read(slot["size"])
assert data[:12] == b"TNDRSIG\n\x01\0\0\0", data[:12]
size = int.from_bytes(data[12:16], "little")
open("slot.der", "wb").write(data[48:48 + size])
open("slot_offset", "w").write(str(slot["offset"]))
END
verified key.pub.pem slot.der manifest.json
cp signed.run bad.run
flip bad.run $(($(cat slot_offset) + 60))
expect 4 "does not match" "$tinderbox" verify bad.run --key key.pub.pem
cp signed.run bad.run
flip bad.run $(($(stat -c %s bad.run) / 2))
expect 4 "damaged" "$tinderbox" verify bad.run --key key.pub.pem
cp kept.sig bad.run.sig
expect 4 "does not match" "$tinderbox" verify bad.run --key key.pub.pem

head -c 40 kept.sig >signed.run.sig
expect 4 "is damaged" "$tinderbox" verify signed.run --key key.pub.pem
cp kept.sig signed.run.sig
flip signed.run.sig 20
expect 4 "does not match" "$tinderbox" verify signed.run --key key.pub.pem
