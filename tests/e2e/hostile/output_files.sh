#!/usr/bin/env bash
# What an output option names stays what it is: a device is written into, a link is followed, mode, owner and further names
# are kept; a new file has what the umask leaves of its mode.
. "$(dirname "$0")/writers.inc"
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
