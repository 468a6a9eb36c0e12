#!/bin/sh
# @NAME@: an offline installer made by Tinderbox @VERSION@ (@PLATFORM@).
#
#   sh @NAME@ -h        says what it can do; nothing is written before everything was checked
#
# This file is a shell script of @HEADER_SIZE@ bytes, then a static program, then data. The script copies the
# program to a private directory and starts it; the program does the rest.
total_size=@TOTAL_SIZE@
volumes=@VOLUMES@
stub_blocks=@STUB_BLOCKS@
stub_size=@STUB_SIZE@
want_os=Linux
want_cpu=@CPU@

die() { # EXIT-CODE SENTENCE
    printf 'error: %s\n' "$2" >&2
    exit "$1"
}

work=
cleanup() { [ -z "$work" ] || rm -rf "$work"; }
trap 'cleanup; exit 7' HUP INT TERM

# What the caller's environment holds must steer neither this script nor the programs that it starts. The
# values are kept under other names: the verification runs once more as the user's own shell will have it.
for v in $(env | sed -n -e 's/^\(LD_[A-Z0-9_]*\)=.*/\1/p' -e 's/^\(PYTHON[A-Z0-9_]*\)=.*/\1/p' \
    -e 's/^\(CONDA_[A-Z0-9_]*\)=.*/\1/p' -e 's/^\(_CE_[A-Z]*\)=.*/\1/p' -e 's/^\(CONDARC\)=.*/\1/p' \
    -e 's/^\(MAMBARC\)=.*/\1/p'); do
    eval "TINDERBOX_USER_$v=\$$v; export TINDERBOX_USER_$v; unset $v"
done
unset ENV BASH_ENV CDPATH
TINDERBOX_USER_PATH=$PATH
PATH=/usr/bin:/bin:/usr/sbin:/sbin${PATH:+:$PATH}
export PATH TINDERBOX_USER_PATH

[ "$(uname -s)" = "$want_os" ] || die 3 "this installer is for $want_os, this machine runs $(uname -s)"
cpu=$(uname -m)
[ "$cpu" = arm64 ] && cpu=aarch64
[ "$cpu" = amd64 ] && cpu=x86_64
[ "$cpu" = "$want_cpu" ] || die 3 "this installer is for $want_cpu processors, this machine has $cpu"

self=$0
case $self in
    /*) ;;
    */*) self=$(pwd)/$self ;;
    *) if [ -f "$self" ]; then self=$(pwd)/$self; else self=$(command -v -- "$self") || self=$0; fi ;;
esac
[ -r "$self" ] || die 5 "cannot read '$self'; start it as: sh PATH/OF/@NAME@"
# From a pipe ('sh < @NAME@') the name is that of the shell.
{ read -r line && read -r line; } <"$self" 2>/dev/null || line=
case $line in
    '# '*' made by Tinderbox '*) ;;
    *) die 2 "'$self' is not this installer; start it as: sh PATH/OF/@NAME@" ;;
esac

umask_before=$(umask)
umask 077

# /tmp is mounted noexec on some machines: the first directory in which the program really starts is taken.
for parent in "${TMPDIR:-}" /tmp /var/tmp /dev/shm "${XDG_RUNTIME_DIR:-}" "${HOME:-}" "$(pwd)"; do
    [ -n "$parent" ] && [ -d "$parent" ] && [ -w "$parent" ] || continue
    work=$(mktemp -d "$parent/tinderbox.XXXXXXXXXX" 2>/dev/null) || {
        work=$parent/tinderbox.$$
        mkdir "$work" 2>/dev/null || { work=; continue; }
    }
    if dd if="$self" of="$work/installer" bs=4096 skip=@STUB_SKIP@ count="$stub_blocks" 2>/dev/null; then
        copied=$(wc -c <"$work/installer")
        if [ "$copied" -lt "$stub_size" ]; then
            found=$(wc -c <"$self")
            cleanup
            if [ "$found" -lt "$stub_size" ] || [ "$found" -lt $((16384 + stub_size)) ]; then
                die 4 "this file is incomplete: $((found)) of $(printf '%s' "$total_size" | sed 's/^0*//') bytes; copy it again"
            fi
            work=
            continue
        fi
        chmod 700 "$work/installer"
        if "$work/installer" --tinderbox-ping >/dev/null 2>&1; then break; fi
    fi
    cleanup
    work=
done
[ -n "$work" ] || die 5 "no directory was found in which a program can be started and written; set TMPDIR to one with 10 MB free that is not mounted noexec"

TINDERBOX_STUB_DIR=$work
export TINDERBOX_STUB_DIR
umask "$umask_before"
# The program, which removes "$work", sets handlers of its own before anything else.
trap '' HUP INT TERM
exec "$work/installer" --tinderbox-run "$self" -- "$@"
exit 70
# What follows is not shell.
