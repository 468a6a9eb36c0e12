#!/usr/bin/env bash
# Keys and signatures work in both directions with openssl; an unsigned file, or one signed by another key, is refused.
. "$(dirname "$0")/volumes.inc"
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

build plain.run
build signed.run
mv signed.run unsigned.run
build signed.run --sign key.pem
sha256sum --quiet -c plain.run.sha256 signed.run.sha256 || fail "sha256sum -c refuses what build wrote"
verified key.pub.pem signed.run.sig signed.run
[ "$(cmp -l unsigned.run signed.run | wc -l)" -le 512 ] || fail "a signed build differs in more than the slot"
[ ! -e plain.run.sig ] || fail "an unsigned build has a signature"
quietly "$tinderbox" verify signed.run --key key.pub.pem
expect 4 "is not signed" "$tinderbox" verify plain.run --key key.pub.pem
expect 4 "is not signed" sh plain.run -b -p "$work/p" --key key.pub.pem
expect 4 "signed with another key" "$tinderbox" verify signed.run --key other.pub.pem
expect 4 "signed with another key" sh signed.run -b -p "$work/p" --key other.pub.pem
expect 2 "is a private key" sh signed.run -b -p "$work/p" --key key.pem
expect 2 "cannot open" sh signed.run -b -p "$work/p" --key none.pem
[ ! -e p ] || fail "something was installed in spite of a wrong signature"

# Signed after the build: with another tool's key, and by another tool.
quietly "$tinderbox" sign plain.run --key other.pem
verified other.pub.pem plain.run.sig plain.run
openssl dgst -sha256 -sign other.pem -out plain.run.sig plain.run
quietly "$tinderbox" verify plain.run --key other.pub.pem
expect 4 "does not match" "$tinderbox" verify plain.run --key key.pub.pem
quietly sh plain.run -b -p "$work/p" --key other.pub.pem
p/bin/python -c 'import numpy'
build plain.run # the old signature must be removed
[ ! -e plain.run.sig ] || fail "the signature of an older build is left"
