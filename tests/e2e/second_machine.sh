#!/usr/bin/env bash
# An unprivileged user, and staging directories that another user prepared. Parts that need root are skipped with a
# message.
. "$(dirname "$0")/second_machine.inc"
unchanged() { # NAME DIRECTORY: what the directory holds, is the same as at the last call with that name
    (cd "$2" && find . -printf '%p %y %U %m %l\n' | LC_ALL=C sort) >now
    [ ! -e "seen-$1" ] || cmp -s "seen-$1" now || fail "$2 was changed: $(diff "seen-$1" now | head -5)"
    mv now "seen-$1"
}

# The header cannot find its file when it comes from a pipe. It says so; the file does not count as damaged.
expect 2 "start it as: sh PATH/OF/lab.run" sh -c 'sh <"$1"' _ "$work/lab.run"

# Staging directories that an attacker could have prepared: a link, and one that others can enter.
mkdir shared victim
echo precious >victim/file
ln -s "$work/victim" "$(stage_of "$work/shared/link")"
mkdir -m 755 "$(stage_of "$work/shared/open")"
unchanged victim victim; unchanged shared shared
expect 5 "is in the way" run -p "$work/shared/link"
expect 5 "is in the way" run -p "$work/shared/open"
unchanged victim victim; unchanged shared shared

# An unprivileged user with a home of its own.
[ "$(id -u)" = 0 ] || { echo "note: as root it would try an unprivileged user, too"; exit 0; }
as_user() { setpriv --reuid=65534 --regid=65534 --clear-groups env -u TMPDIR -u TINDERBOX_CACHE HOME="$work/user" "$@"; }
mkdir user
chown 65534:65534 user
if ! as_user sh -c ': <"$1"' _ "$work/lab.run" 2>/dev/null; then
    echo "note: $work cannot be entered by another user; the unprivileged user was not tried"
    exit 0
fi
cd /
quietly "${offline[@]}" setpriv --reuid=65534 --regid=65534 --clear-groups env -u TMPDIR HOME="$work/user" sh "$work/lab.run" -b
as_user "$work/user/lab/bin/python" -c "$imports" "$work/user/lab" || fail "an unprivileged user cannot use what was installed"
cd "$work"
[ "$(list user/lab)" = "$files" ] || fail "an unprivileged user lacks files"
[ -z "$(find user/lab ! -user 65534)" ] || fail "files of another owner"
# What the user must not write is refused, and a staging directory of somebody else, in both directions.
mkdir -m 755 roots
chmod 1777 shared
unchanged roots roots
expect 5 "$work/roots" as_user sh lab.run -b -p "$work/roots/env"
unchanged roots roots
mkdir -m 700 "$(stage_of "$work/shared/mine")" "$(stage_of "$work/shared/theirs")"
touch "$(stage_of "$work/shared/theirs")/file"
chown -R 65534:65534 "$(stage_of "$work/shared/theirs")"
rm seen-shared; unchanged shared shared
expect 5 "belongs to root" as_user sh lab.run -b -p "$work/shared/mine"
expect 5 "belongs to" run -p "$work/shared/theirs"
unchanged shared shared
