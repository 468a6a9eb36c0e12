#!/usr/bin/env bash
# An old machine: an environment whose Python needs a newer glibc is refused; one whose CPython was built on bullseye is
# installed and works.
. "$(dirname "$0")/bullseye.inc"

show 0 "GLIBC 2.31" ldd --version
! enter sh -c 'command -v python3 || command -v gcc' || fail "the chroot is not as bare as it should be"

# 1. This machine's own Python, when it needs a newer glibc than 2.31: refused, and no file is written.
build new "$python" "$links" six==1.17.0 numpy==2.2.6
needed=$(sed -n 's/.*needs glibc \([0-9.]*\) or newer.*/\1/p' "$work/new.log")
if [ "$(printf '2.31\n%s\n' "$needed" | sort -V | tail -n 1)" != 2.31 ]; then
    state >"$work/before"
    show 3 "the environment needs glibc $needed" sh /root/new.run -b -p /opt/new
    grep -qF "this machine has 2.31" "$work/out" || fail "the refusal does not name glibc 2.31"
    expect 3 "glibc $needed" enter sh /root/new.run --check -p /opt/new
    state >"$work/after"
    cmp -s "$work/before" "$work/after" || { diff "$work/before" "$work/after" | head; fail "a refused installation changed the machine"; }
else
    echo "note: $python needs glibc $needed only; the refusal was not tried"
fi

# 2. The CPython of bullseye, captured on this machine.
build old "$work/python/opt/py39/bin/python3.9" "$wheels39" six==1.17.0 numpy==2.0.2
show 0 "" sh /root/old.run -b -p "/srv/an environment"
show 0 "45" "/srv/an environment/bin/python" -c 'import numpy, six, platform, sys
assert sys.prefix == "/srv/an environment", sys.prefix
print(platform.libc_ver(), sys.version.split()[0], numpy.__version__, numpy.arange(10).sum())'
show 0 "/srv/an environment/bin/python" sh -c '. "/srv/an environment/bin/activate" && command -v python'
echo "bullseye: refused what needs a newer glibc, installed and ran what was built for it"
