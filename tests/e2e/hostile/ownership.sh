#!/usr/bin/env bash
# Trees and directories of another user: none is believed, entered, run or removed, whatever it holds; and --as-owner, by
# which root goes on as that user.
. "$(dirname "$0")/../second_machine.inc"
[ "$(id -u)" = 0 ] || skip "two users are needed, and only root can be another one"
other=65534
as_other() { setpriv --reuid=$other --regid=$other --clear-groups env -u TMPDIR HOME="$work/theirs" "$@"; }
mkdir -m 755 theirs && chown $other:$other theirs
as_other sh -c ': <"$1"' _ "$work/lab.run" 2>/dev/null || skip "$work cannot be entered by another user"
tried=0
kept() { (cd "$work" && find sticky victim "$@" -printf '%p %y %U %m %l %T@\n' | LC_ALL=C sort); }
# refused TEXT ARGUMENT…: exit 5 with the text, twice (--check as well), and nothing is changed or run.
refused() {
    local text=$1 before
    shift
    before=$(kept)
    expect 5 "$text" run "$@"
    [ "$(kept)" = "$before" ] || fail "changed by '$*': $(diff <(echo "$before") <(kept) | head -3)"
    [ ! -e "$work/ran" ] || fail "a foreign program ran: $*"
    tried=$((tried + 1))
}
# planted NAME: another user's tree with this installer's state, whose programs and lists are theirs.
planted() {
    cp -a "$work/first" "sticky/$1"
    rm "sticky/$1/bin/python3.11" "sticky/$1/bin/python3" "sticky/$1/bin/python" 2>/dev/null || true
    for program in python python3 python3.11 python3.12 python3.10 python3.13; do
        printf '#!/bin/sh\ntouch %s/ran\n' "$work" >"sticky/$1/bin/$program" && chmod 755 "sticky/$1/bin/$program"
    done
    printf 'tinderbox-shell-init 1\nbash %s/victim/file\n' "$work" >"sticky/$1/.tinderbox/shell-init"
    chown -hR $other:$other "sticky/$1"
}
mkdir -m 1777 sticky && mkdir victim && echo precious >victim/file

planted env
for what in "" --check --replace -u --uninstall "--uninstall -s" "--uninstall --purge" --integrity --verify-only --repair; do
    refused "belongs to" -p "$work/sticky/env" $what
done
refused "belongs to" --extract "$work/sticky/env"
refused "belongs to" -p "$work/sticky/env" --allow-shared
mv sticky/env sticky/.env.tinderbox-old
refused "belongs to" -p "$work/sticky/env"
refused "belongs to" -p "$work/sticky/env" --replace
rm -r sticky/.env.tinderbox-old
# Only one directory of the tree is theirs, and only a link leads to it.
cp -a first sticky/env && chown $other sticky/env/.tinderbox
refused "belongs to" -p "$work/sticky/env" --uninstall
rm -r sticky/env && ln -s "$work/victim" sticky/link && chown -h $other sticky/link
refused "belongs to" -p "$work/sticky/link"
refused "belongs to" -p "$work/sticky/link/env"

# Directories in which another user could swap what root writes.
mkdir -m 755 sticky/theirs sticky/empty && mkdir -m 777 sticky/open && mkdir -m 775 sticky/group
chown $other:$other sticky/theirs && chown $other sticky/empty && chmod 777 sticky/empty && chgrp $other sticky/group
for prefix in theirs/env theirs/a/b/env open/env group/env; do refused "on the way to the prefix" -p "$work/sticky/$prefix"; done
refused "belongs to" -p "$work/sticky/empty"
quietly run -p "$work/sticky/group/env" --allow-shared
whole "$work/sticky/group/env"
# A user may run and compare what root installed, but not change it.
quietly as_other sh lab.run -b --verify-only -p "$work/first"
quietly as_other sh lab.run -b --integrity -p "$work/first"
expect 5 "belongs to root" as_other sh lab.run -b --uninstall -p "$work/first"

# Root goes on as the owner: files stay theirs, also what was begun in a directory that only root's eyes see as foreign.
expect 2 "--as-owner is for root" as_other sh lab.run -b --as-owner -p "$work/theirs/env"
quietly run -p "$work/theirs/env" --as-owner
[ -z "$(find theirs ! -user $other)" ] || fail "files of another owner: $(find theirs ! -user $other | head -3)"
refused "belongs to" -p "$work/theirs/env" --verify-only
quietly run -p "$work/theirs/env" --verify-only --as-owner
quietly run -p "$work/theirs/env" --uninstall --as-owner
[ ! -e theirs/env ] || fail "--uninstall --as-owner left $(ls -A theirs/env)"
echo "$tried commands on another user's trees and directories: all refused, 0 changed or ran anything"
