#!/bin/sh
{ unset error; trap '(: "${error?$why}"); exit "$code"' 0; why="this file is cut short or damaged; copy it again" code="$((2 + 2))"; }
# @NAME@: an offline installer made by Tinderbox @VERSION@ (@PLATFORM@).
#
#   sh @NAME@ -h        says what it can do; nothing is written before everything was checked
#
# This file is a shell script of @HEADER_SIZE@ bytes, then a static program, then data. The script copies the
# program to a private directory and starts it; the program does the rest.
#
# A copy may be cut anywhere, and any of its bits may be wrong. A script that ends too early ends with the words above.
# The block below asks for the checksum of the script, which the digits at its end make 0, before anything else runs.
# Until then no wrong bit may change a file: the block only hands names to programs that read, and it quotes each
# character that one bit turns into ">". An exit status is a sum, which no bit makes 0. Without the name of its file head
# would wait for the terminal, so it gets an empty input. Comments hold no quote that could pair with a wrong one.
{
    TINDERBOX_USER_PATH="${PATH-}"
    PATH="/usr/bin:/bin:/usr/sbin:/sbin${PATH:+:$PATH}"
    self="$0"
    [ -f "$self" ] || self="$(command -v -- "$0")" || self="$0"
    [ "$(true | head -c "@HEADER_SIZE@" -- "$self" | cksum)" = "0 @HEADER_SIZE@" ] || {
        [ -n "$(true | head -c "2" -- "$0" | cksum)" ] || why="'head' and 'cksum' cannot be run here" code="$((3 + 2))"
        # From a pipe ('sh < @NAME@') the name is that of the shell.
        [ "$(true | head -c "2" -- "$self")" = "#!" ] || why="'$self' is not this installer; start it as: sh PATH/OF/@NAME@" code="$((1 + 1))"
        [ -r "$self" ] || why="cannot read '$self'; start it as: sh PATH/OF/@NAME@" code="$((3 + 2))"
        exit "$code"
    }
    trap - 0
}
# Every byte of this script is as it was made.
total_size=@TOTAL_SIZE@
volumes=@VOLUMES@
stub_blocks=@STUB_BLOCKS@
stub_size=@STUB_SIZE@
stub_sum='@STUB_SUM@'
want_os=Linux
want_cpu=@CPU@

# The program opens the log; what ends this script before that is appended here.
log= before=
for word; do
    [ "$before" != --log ] || log=$word
    case $word in --log=*) log=${word#--log=} ;; esac
    before=$word
done

die() { # EXIT-CODE SENTENCE
    printf 'error: %s\n' "$2" >&2
    [ -z "$log" ] || (umask "${umask_before:-$(umask)}"; printf 'error: %s\n' "$2" >>"$log") 2>/dev/null
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
export PATH TINDERBOX_USER_PATH

machine=$(uname -sm)
[ "${machine%% *}" = "$want_os" ] || die 3 "this installer is for $want_os, this machine runs ${machine%% *}"
cpu=${machine#* }
[ "$cpu" = arm64 ] && cpu=aarch64
[ "$cpu" = amd64 ] && cpu=x86_64
[ "$cpu" = "$want_cpu" ] || die 3 "this installer is for $want_cpu processors, this machine has $cpu"

case $self in
    /*) ;;
    *) self=$(pwd)/$self ;;
esac
user=$(id -u)
umask_before=$(umask)
umask 077

# exchangeable DIRECTORY: prints the first of / and the directories down to it through which another user could put
# another program in the place of ours. Each must belong to root or to this user, and only in a sticky one may others
# write. In a user namespace root may have another number, which is that of the owner of /.
exchangeable() {
    directory=$1
    set --
    while [ "$directory" != / ]; do
        set -- "$directory" "$@"
        directory=${directory%/*}
        directory=${directory:-/}
    done
    { LC_ALL=C ls -ldn -- / "$@" || echo '? ? ?'; } | while read -r mode links owner group size month day time name; do
        [ "$name" != / ] || root=$owner
        trusted=no
        case $owner in 0 | "$user" | "$root") trusted=yes ;; esac
        case $mode in *[tT]*) ;; ?????w* | ????????w*) trusted=no ;; esac
        [ "$trusted" = no ] || continue
        printf "'%s' (owner %s, mode %s)" "$name" "$owner" "$mode"
        break
    done
}

# stub_of FILE: writes the program to standard output.
stub_of() { dd if="$1" bs=4096 skip=@STUB_SKIP@ count="$stub_blocks" 2>/dev/null; }

# The copy is not what was made: the file was cut or damaged, or the directory had no room for all of it.
judge_file() {
    found=$(wc -c <"$self")
    [ "$found" -ge $((@HEADER_SIZE@ + stub_size)) ] ||
        die 4 "this file is incomplete: $((found)) of $(printf '%s' "$total_size" | sed 's/^0*//') bytes; copy it again"
    [ "$(stub_of "$self" | cksum)" = "$stub_sum" ] || die 4 "this file is damaged: its program has another checksum; copy it again"
}

# try PARENT: the program, ready to start, in a new directory below; else the reason is in $refused, or it is a full or
# noexec file system.
try() {
    # A signal must not end mktemp between making the directory and naming it.
    work=$(trap '' HUP INT TERM; mktemp -d "$1/tinderbox.XXXXXXXXXX" 2>/dev/null) || {
        work=$1/tinderbox.$$
        mkdir "$work" 2>/dev/null || { work=; return 1; }
    }
    bad=$(exchangeable "$work")
    if [ -n "$bad" ]; then
        refused=${refused:-$bad}
        rmdir "$work" # it is empty, and what else has its name by now is not ours
        work=
        return 1
    fi
    stub_of "$self" >"$work/installer"
    if [ "$(cksum <"$work/installer")" = "$stub_sum" ]; then
        chmod 700 "$work/installer" && "$work/installer" --tinderbox-ping >/dev/null 2>&1
        return
    fi
    cleanup
    work=
    judge_file
    return 1
}

refused=
for parent in "${TMPDIR:-}" /tmp /var/tmp /dev/shm "${XDG_RUNTIME_DIR:-}" "${HOME:-}" .; do
    [ -n "$parent" ] && [ -d "$parent" ] && [ -w "$parent" ] && parent=$(cd -P -- "$parent" && pwd -P) || continue
    if try "$parent"; then break; fi
    cleanup
    work=
done
[ -n "$work" ] || [ -z "$refused" ] || die 5 "no directory was found in which a program can be started and written, and which no other user can change: not below $refused; set TMPDIR to a directory that only you can write, with 10 MB free and not mounted noexec"
[ -n "$work" ] || die 5 "no directory was found in which a program can be started and written; set TMPDIR to one with 10 MB free that is not mounted noexec"

TINDERBOX_STUB_DIR=$work
export TINDERBOX_STUB_DIR
umask "$umask_before"
# The program, which removes "$work", sets handlers of its own before anything else.
trap '' HUP INT TERM
exec "$work/installer" --tinderbox-run "$self" -- "$@"
exit 70
# What follows is not shell.
