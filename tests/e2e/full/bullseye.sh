#!/usr/bin/env bash
# An old machine: a Debian bullseye chroot (glibc 2.31) without network, compiler and Python. An environment whose
# Python needs a newer glibc is refused. One whose CPython was built on bullseye is installed and works. strace shows
# that the stub opens no file of the machine's C library. Run as root, with debootstrap. The chroot and the CPython are
# made once and kept in $TINDERBOX_CACHE/bullseye.
. "$(dirname "$0")/../common.inc"
[ "$(id -u)" = 0 ] || skip "only root can make a chroot"
for tool in debootstrap curl chroot; do command -v "$tool" >/dev/null || skip "$tool is not installed"; done
unshare -n -m true 2>/dev/null || skip "the network cannot be cut off here (unshare -n -m)"
python=$(find_python) || skip "no Python 3.10 to 3.13 with pip"
cache=$TINDERBOX_CACHE/bullseye
mkdir -p "$cache"

# The mirror of this machine's apt; its pool has all releases.
configured=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null; cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null) || true
mirror=$(awk 'match($0, /https?:\/\/[^] ]*\/debian\/?( |$)/) { url = substr($0, RSTART, RLENGTH); sub(/\/? *$/, "", url); print url; exit }' <<<"$configured")
chroot_of() { # DIRECTORY PACKAGES
    [ -n "$mirror" ] || skip "apt is configured for no Debian mirror"
    nice -n 10 debootstrap --variant=minbase --include="$2" bullseye "$1" "$mirror" >"$work/debootstrap.log" 2>&1 ||
        skip "the Debian mirror does not give bullseye: $(tail -n 1 "$work/debootstrap.log")"
    rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*
}
keep() { # keep ARCHIVE DIRECTORY NAME: packs it for the next run, in one step
    tar -I 'gzip -1' -C "$2" -cf "$cache/$1.new.$$" "$3" && mv "$cache/$1.new.$$" "$cache/$1"
}

target=$work/bullseye # the second machine
mkdir "$target"
if [ ! -e "$cache/target-1.tar.gz" ]; then
    echo "making the bullseye chroot (once)"
    chroot_of "$target" strace
    keep target-1.tar.gz "$target" .
else
    tar -C "$target" -xzf "$cache/target-1.tar.gz"
fi

# A CPython built on bullseye, from the source in the mirror's pool.
mkdir "$work/python"
if [ ! -e "$cache/python-3.9.2-1.tar.gz" ]; then
    echo "building CPython 3.9 in another bullseye chroot (once, some minutes)"
    source=$cache/python3.9_3.9.2.orig.tar.xz
    if [ ! -e "$source" ]; then
        curl -sfL -o "$source.$$" "$mirror/pool/main/p/python3.9/${source##*/}" || skip "the Debian mirror does not give ${source##*/}"
        echo "3c2034c54f811448f516668dce09d24008a0716c3a794dd8639b5388cbde247d  $source.$$" | sha256sum -c --quiet || fail "${source##*/} has another hash"
        mv "$source.$$" "$source"
    fi
    chroot_of "$work/builder" gcc,libc6-dev,make,zlib1g-dev,libffi-dev
    mkdir "$work/builder/src"
    tar -C "$work/builder/src" --strip-components=1 -xf "$source"
    nice -n 10 unshare -n chroot "$work/builder" sh -c 'cd /src && ./configure -q --prefix=/opt/py39 --without-ensurepip &&
        make -s -j2 && make -s install' >"$work/cpython.log" 2>&1 || { tail -n 20 "$work/cpython.log"; fail "CPython cannot be built on bullseye"; }
    keep python-3.9.2-1.tar.gz "$work/builder" opt/py39
    rm -rf "$work/builder"
fi
tar -C "$work/python" -xzf "$cache/python-3.9.2-1.tar.gz"

wheels39=$TINDERBOX_CACHE/test-wheels/small-39-bullseye
wheels "$wheels39" --python-version 3.9 --implementation cp --abi cp39 --platform manylinux2014_x86_64 numpy==2.0.2 six==1.17.0
small_wheels
build() { # NAME INTERPRETER LINKS REQUIREMENT…
    local name=$1 interpreter=$2 links=$3
    shift 3
    printf '%s\n' "$@" >"$work/$name.txt"
    "$tinderbox" build "$work/$name.txt" --python-from "$interpreter" --no-index --find-links "$links" -o "$target/root/$name.run" >"$work/$name.log" 2>&1 ||
        { cat "$work/$name.log"; fail "$name.run cannot be built"; }
    cat "$work/$name.log"
}

# enter COMMAND…: runs it in the chroot without network, with its own /proc and only a login's variables.
# shellcheck disable=SC2016
enter() {
    env -i unshare -n -m sh -c 'mount --make-rprivate / && mount -t proc proc "$1/proc" && cd / && root=$1 && shift &&
        exec env -i HOME=/root TERM=dumb PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" "$@"' _ "$target" "$@"
}
show() { # like expect, and prints command and output
    local said=${*:3}
    expect "$1" "$2" enter "${@:3}"
    echo "bullseye\$ $said"
    cat "$work/out"
    echo "(exit $1)"
}
# The time of /tmp may change, because the stub was there for a moment.
state() { (cd "$target" && find . -path ./proc -prune -o -path ./tmp -printf '%p\n' -o -printf '%p %y %s %T@\n' | LC_ALL=C sort); }

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

# 3. The files that the stub opens from its start to its end. Programs that it starts (Python) do not count.
for name in new old; do
    rm -rf "$target/root/trace"
    mkdir "$target/root/trace"
    enter strace -ff -e trace=execve,open,openat,openat2 -o /root/trace/t sh "/root/$name.run" -b -p "/opt/traced-$name" >"$work/out" 2>&1 || true
    grep -l -- --tinderbox-run "$target"/root/trace/t.* >/dev/null || fail "strace did not see the installer's program"
    # One trace file a process: its last executed program counts. Threads and forks of the stub execute none.
    awk 'FNR == 1 { ours = 1 }
        /^execve/ && / = 0$/ { ours = /"\/[^"]*\/installer"/ }
        ours && /^open/ && !/ENOENT/ { print }' "$target"/root/trace/t.* >"$work/opened"
    # The pattern works: other programs of the same trace (sh, dd) do open the C library.
    grep -qh 'libc\.so\.6.*= [0-9]' "$target"/root/trace/t.* || fail "strace saw no program that opens the C library"
    [ "$(wc -l <"$work/opened")" -ge 5 ] || fail "strace shows too little of the installer"
    ! grep -E 'libc[.-]|libm[.-]|libpthread|libdl|librt|libnss|libresolv|ld-linux|ld-2|nsswitch|gconv|locale-archive|/etc/passwd' "$work/opened" ||
        fail "the installer's program opened files of the machine's C library"
    echo "what the program of $name.run opens outside its prefix:"
    grep -oE '"[^"]+"' "$work/opened" | grep '^"/' | grep -v "traced-$name" | sort | uniq -c
done
echo "bullseye: refused what needs a newer glibc, installed and ran what was built for it; no file of its C library was opened"
