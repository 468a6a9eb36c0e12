#!/usr/bin/env bash
# tinderbox and the stub are fully static: no loader (INTERP) and no library (NEEDED). Neither our own objects nor the
# libraries in the stub call functions that load shared libraries of the target machine in a static glibc program (name
# service, iconv, dlopen).
set -euo pipefail
build=${TINDERBOX_BUILD_DIR:?set to the build directory}

if ! grep -q '^TINDERBOX_STATIC:[A-Z]*=ON' "$build/CMakeCache.txt"; then
    echo "skipped: this build is not meant to be static (sanitizers)"
    exit 77
fi
checked=0
failed=0
fail() {
    echo "FAIL: $*"
    failed=1
}

for program in tinderbox tinderbox-stub tinderbox-stub.stripped; do
    file=$build/$program
    [ -e "$file" ] || continue
    checked=$((checked + 1))
    # Into variables first: grep -q may end a pipe early, which looks like a failure of readelf.
    segments=$(readelf -lW "$file")
    dynamic=$(readelf -dW "$file")
    case $segments in *INTERP*) fail "$program asks for a loader (INTERP)" ;; esac
    case $dynamic in *NEEDED*) fail "$program asks for shared libraries: $(grep NEEDED <<<"$dynamic" | tr '\n' ' ')" ;; esac
    case $(readelf -hW "$file") in *'Type:'*'EXEC '*) ;; *) fail "$program is not a fixed-address executable" ;; esac
done
if [ $checked = 0 ]; then
    echo "skipped: neither tinderbox nor tinderbox-stub has been built in $build"
    exit 77
fi

# Undefined symbols of our own objects. The stub's rule also holds for tinderbox, because it runs on machines with
# another glibc, too.
forbidden='getpw[a-z]*(_r)?|getgr[a-z]*(_r)?|getaddrinfo|gethostby[a-z0-9]*(_r)?|getserv[a-z]*(_r)?|getnetby[a-z]*|iconv(_open)?|dlopen|dlsym|wordexp|initgroups|res_[a-z]*'
for archive in "$build"/libcommon_*.a "$build"/libruntime_*.a "$build"/libgenerator_*.a; do
    [ -e "$archive" ] || continue
    undefined=$(nm -u "$archive" 2>/dev/null || true)
    while read -r _ symbol; do
        [ "$symbol" != getgroups ] || continue # a system call
        if [[ $symbol =~ ^($forbidden)$ ]]; then fail "$(basename "$archive") calls $symbol"; fi
    done <<<"$undefined"
done

[ $failed = 0 ] || exit 1
echo "static: $checked programs ask for nothing of the machine they run on"
