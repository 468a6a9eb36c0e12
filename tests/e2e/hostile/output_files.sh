#!/usr/bin/env bash
# What an output option names stays what it is: a device is written into, a link is followed, mode, owner and further names
# are kept; a new file has what the umask leaves of its mode.
. "$(dirname "$0")/edges.inc"
umask 027
quietly sh x.run -b -p "$work/p"
# A command for each option that writes a file; OUT is the file.
writers=(
    "$tinderbox lock x.lock -o OUT" "$tinderbox lock x.lock --format requirements -o OUT" "$tinderbox sbom x.run -o OUT"
    "sh x.run -p p --verify-only --report OUT" "sh x.run --check --report OUT" "sh x.run -p p --verify-only --log OUT"
    "$tinderbox build x.lock --level fast -o OUT"
)
# written NAME: $writer writes it; --check and --verify-only also say what they think of this machine's GPU.
written() {
    local status=0
    ${writer//OUT/$1} >log 2>&1 || status=$?
    case $status in 0 | 3 | 6) ;; *) cat log >&2; fail "exit status $status: ${writer//OUT/$1}" ;; esac
}
mode() { [ "$(stat -c %a "$1")" = "$2" ] || fail "the mode of $1 is $(stat -c %a "$1") instead of $2: $writer"; }
for writer in "${writers[@]}"; do
    rm -rf new* real* link* hard* far
    written new
    case $writer in *" build "*) mode new 750; mode new.sha256 640 ;; *) mode new 640 ;; esac
    echo old >real
    chmod 604 real
    [ "$(id -u)" != 0 ] || chown 12345:23456 real
    mkdir far
    cp -p real far/real
    ln -s far/real link
    ln -s far/fresh link2
    before=$(stat -c %a:%u:%g real)
    for name in real link link2; do written $name; done
    for name in real far/real; do
        [ "$(stat -c %a:%u:%g $name)" = "$before" ] || fail "mode or owner of $name: $(stat -c %a:%u:%g $name), not $before: $writer"
        [ "$(head -c 4 $name)" != old ] || [[ $writer = *--log* ]] || fail "$name is not written: $writer"
    done
    [ -L link ] && [ -L link2 ] && [ -s far/fresh ] || fail "a link is gone, or its file is not written: $writer"
    [ "$(find far -type f | wc -l)" = 2 ] || fail "temporary files are left: $(ls -A far): $writer"
    case $writer in *" build "*) continue ;; esac # a large file is always replaced
    ln real hard
    written real
    [ real -ef hard ] || fail "a hard link is broken: $writer"
    mkfifo link3
    cat link3 >read & pid=$!
    written link3
    wait $pid
    [ -p link3 ] && { [ -s read ] || fail "a pipe is not written into: $writer"; }
    rm link3
done
[ "$("$tinderbox" lock x.lock -o - | sha256sum)" = "$(sha256sum <x.lock)" ] || fail "-o - is not standard output"
[ ! -e ./- ] || fail "a file has the name -"
mkfifo fifo
refused 5 "no program reads" "$tinderbox" lock x.lock -o fifo
refused 5 "no program reads" sh x.run --list --log fifo
refused 2 "only a regular file" "$tinderbox" build x.lock -o fifo

private_device null 3
private_device full 7
ln -s null linked
for writer in "${writers[@]::5}"; do
    for name in null linked; do written $name; done
    [ -c null ] && [ -L linked ] || fail "a device is gone: $writer"
    ${writer//OUT/full} >log 2>&1 && fail "exit status 0 on a full device: $writer"
    grep -q "No space left" log || { cat log >&2; fail "a full device is not said: $writer"; }
done
refused 2 "is a device" "$tinderbox" build x.lock -o null
refused 2 "is there already" "$tinderbox" keygen null
refused 2 "exists already" "$tinderbox" new -o linked
[ -c null ] && [ -c full ] || fail "a device is gone"
