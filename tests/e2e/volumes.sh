#!/usr/bin/env bash
# Installers in volumes: made, signed, checked by openssl and sha256sum, read, and installed like a single file.
. "$(dirname "$0")/volumes.inc"
volume_size
"$tinderbox" keygen key.pem 2>/dev/null
expect 2 "--split needs a size" "$tinderbox" build requirements.txt --python-from "$python" --split many
build plain.run
build set.run --split "$split" --sign key.pem
volumes=$(ls set.run set.run.0* | wc -l)
[ "$volumes" -ge 3 ] || fail "only $volumes volumes: $(ls -l)"
for volume in set.run set.run.0*; do
    [ "$(stat -c %s "$volume")" -lt "$split" ] || fail "$volume is too large"
done
sha256sum --quiet -c set.run.sha256 || fail "sha256sum -c refuses the volumes"
[ "$(wc -l <set.run.sha256)" = "$volumes" ] || fail "not every volume is in set.run.sha256"
cat set.run set.run.0* >joined
verified key.pub.pem set.run.sig joined
quietly "$tinderbox" verify set.run --key key.pub.pem
cp set.run.sha256 first.sha256
build set.run --split "$split" --sign key.pem
cmp set.run.sha256 first.sha256 || fail "two builds differ"
expect 0 numpy "$tinderbox" inspect set.run
expect 0 six.py "$tinderbox" inspect set.run --files
expect 0 numpy sh set.run --list
quietly sh set.run --verify-file
quietly sh set.run --check -p "$work/p"
quietly sh set.run -b -p "$work/p" --key key.pub.pem
p/bin/python -c 'import numpy; assert numpy.arange(3).sum() == 3'
mv p q # some files hold the prefix
quietly sh plain.run -b -p "$work/p"
diff -r --exclude=.tinderbox --exclude='*.pyc' p q >out || { head out; fail "the set installs another tree"; }

# A build as one file removes the volumes of the old set.
build set.run
! compgen -G 'set.run.0*' >/dev/null || fail "volumes of the old set are left"
quietly "$tinderbox" verify set.run
build huge.run --split 4G
[ ! -e huge.run.002 ] || fail "an installer of less than 4 GiB was split"
