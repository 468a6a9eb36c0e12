#!/usr/bin/env bash
# A machine that is not the builder's: an unprivileged user, /tmp mounted noexec, a read-only noexec medium as a USB
# stick appears, targets that cannot be written, someone else's staging directory, two installers at once, Ctrl-C.
# Nothing here has a network. What needs root is skipped with a word.
. "$(dirname "$0")/common.inc"
small_wheels
printf 'six==1.17.0\nmarkupsafe==3.0.3\n' >"$work/requirements.txt"
"$tinderbox" build "$work/requirements.txt" --python-from "$python" --no-index --find-links "$links" -o "$work/lab.run" 2>"$work/build.log" ||
    { cat "$work/build.log"; fail "the build failed"; }
chmod 755 "$work" && chmod 644 "$work/lab.run" # started with sh, so that it needs no exec bit

[ ${#offline[@]} -gt 0 ] || echo "note: the network cannot be cut off here (unshare -n)"
run() { "${offline[@]}" sh "$work/lab.run" -b "$@"; }
imports='import markupsafe._speedups, six, ssl, sys
assert sys.prefix == sys.argv[1], sys.prefix'
whole() { # PREFIX: every file is there and the packages can be imported
    env -i HOME="$HOME" "$1/bin/python" -c "$imports" "$1" || fail "$1 does not work"
    [ -z "${files:-}" ] || [ "$(list "$1")" = "$files" ] || fail "$1 lacks files: $(diff <(echo "$files") <(list "$1") | head -5)"
}
list() { (cd "$1" && find . -path ./.tinderbox -prune -o -path ./conda-meta -prune -o ! -name '*.pyc' -print | LC_ALL=C sort); }
unchanged() { # NAME DIRECTORY: what the directory holds, is the same as at the last call with that name
    (cd "$2" && find . -printf '%p %y %U %m %l\n' | LC_ALL=C sort) >"$work/now"
    [ ! -e "$work/seen-$1" ] || cmp -s "$work/seen-$1" "$work/now" || fail "$2 was changed: $(diff "$work/seen-$1" "$work/now" | head -5)"
    mv "$work/now" "$work/seen-$1"
}
# Where an installer stages a prefix (docs/install.md): 16 digits of the hash of its manifest's hash and the prefix.
stage_of() {
    python3 -c 'import hashlib, sys
manifest = hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest()
head, name = sys.argv[2].rsplit("/", 1)
print(f"{head}/.{name}.tinderbox-stage-" + hashlib.sha256(f"{manifest}\n{sys.argv[2]}".encode()).hexdigest()[:16])' \
        "$work/first/.tinderbox/manifest.json" "$1"
}
# start PREFIX: an installer in the background, stopped (SIGSTOP) while it works; fails when it was too fast.
start() {
    local stage
    stage=$(stage_of "$1")
    # A background job of a script ignores SIGINT; a user's terminal does not.
    env --default-signal=INT "${offline[@]}" sh "$work/lab.run" -b -p "$1" --jobs 1 >"$work/log" 2>&1 &
    pid=$!
    for _ in $(seq 20000); do
        [ -e "$stage/lib" ] && kill -STOP "$pid" 2>/dev/null && [ -d "$stage" ] && return 0
        kill -0 "$pid" 2>/dev/null || break
    done
    kill -CONT "$pid" 2>/dev/null || true
    wait "$pid" || { cat "$work/log"; fail "the installer ended by itself with an error"; }
    return 1
}

run -p "$work/first" >"$work/log" 2>&1 || { cat "$work/log"; fail "installing failed"; }
files=$(list "$work/first")
whole "$work/first"

# From a pipe the script cannot know its file; it says so instead of taking the shell for a damaged installer.
expect 2 "start it as: sh PATH/OF/lab.run" sh -c 'sh <"$1"' _ "$work/lab.run"

# Ctrl-C: exit 7; the same command again makes it whole.
for try in 1 2 3 4 5 6; do
    start "$work/interrupted$try" || continue
    kill -INT "$pid"; kill -CONT "$pid"
    status=0; wait "$pid" || status=$?
    [ "$status" = 7 ] || { cat "$work/log"; fail "Ctrl-C ended with $status instead of 7"; }
    [ ! -e "$work/interrupted$try" ] || fail "an interrupted installation left a prefix"
    run -p "$work/interrupted$try" >"$work/log" 2>&1 || { cat "$work/log"; fail "running again after Ctrl-C failed"; }
    whole "$work/interrupted$try"
    interrupted=yes
    break
done
[ "${interrupted:-}" = yes ] || fail "no installation could be interrupted: all were too fast"

# Interrupted at any moment, also in the header and twice (timeout signals its child and then the group): exit 7 or done
# (130 before the script's first line), and nothing is left.
mkdir "$work/tmp"
for delay in 0.01 0.03 0.06 0.2; do
    status=0
    TMPDIR=$work/tmp timeout --preserve-status -s INT "$delay" sh "$work/lab.run" -b -p "$work/timeout" >"$work/log" 2>&1 || status=$?
    case $status in 0 | 7 | 130) ;; *) cat "$work/log"; fail "SIGINT after $delay s ended with $status" ;; esac
    [ "$status" = 0 ] || [ -z "$(ls -d "$work"/.timeout* 2>/dev/null)" ] || fail "SIGINT after $delay s left something"
    # Interrupted after the commit, while it was verifying: the prefix is whole, and the next run goes on.
    if [ -e "$work/timeout" ]; then
        [ "$status" = 0 ] || run -p "$work/timeout" >"$work/log" 2>&1 || { cat "$work/log"; fail "running again after SIGINT failed"; }
        whole "$work/timeout"
    fi
    [ -z "$(ls -A "$work/tmp")" ] || fail "SIGINT after $delay s left the installer's program"
    rm -rf "$work/timeout"
done

# Two installers for one prefix: the second leaves, the first is not disturbed.
for try in 1 2 3 4 5 6; do
    start "$work/two$try" || continue
    expect 5 "another installer is working on '$work/two$try'" run -p "$work/two$try"
    kill -CONT "$pid"
    wait "$pid" || { cat "$work/log"; fail "a second installer disturbed the first"; }
    whole "$work/two$try"
    two=yes
    break
done
[ "${two:-}" = yes ] || fail "no second installer could be started in time: all were too fast"
pids=()
for n in 1 2 3 4; do run -p "$work/race" >"$work/race.$n" 2>&1 & pids+=($!); done
winners=0
for pid in "${pids[@]}"; do
    status=0; wait "$pid" || status=$?
    case $status in 0) winners=$((winners + 1)) ;; 5) ;; *) cat "$work"/race.?; fail "one of four installers ended with $status" ;; esac
done
[ "$winners" = 1 ] || { cat "$work"/race.?; fail "$winners of four installers say that they installed one prefix"; }
whole "$work/race"
[ -z "$(find "$work" -maxdepth 1 -name '.*tinderbox-stage*')" ] || fail "staging directories are left: $(ls -A "$work")"

# Staging directories that an attacker could have prepared: a link, and one that others can enter.
mkdir "$work/shared" "$work/victim"; echo precious >"$work/victim/file"
ln -s "$work/victim" "$(stage_of "$work/shared/link")"
mkdir -m 755 "$(stage_of "$work/shared/open")"
unchanged victim "$work/victim"; unchanged shared "$work/shared"
expect 5 "is in the way" run -p "$work/shared/link"
expect 5 "is in the way" run -p "$work/shared/open"
unchanged victim "$work/victim"; unchanged shared "$work/shared"

[ "$(id -u)" = 0 ] || { echo "second_machine: interrupted and concurrent installers; as root it would try users and mounts, too"; exit 0; }

# An unprivileged user with a home of its own.
as_user() { setpriv --reuid=65534 --regid=65534 --clear-groups env -u TMPDIR -u TINDERBOX_CACHE HOME="$work/user" "$@"; }
mkdir "$work/user"; chown 65534:65534 "$work/user"
if as_user sh -c ': <"$1"' _ "$work/lab.run" 2>/dev/null; then
    (cd /; "${offline[@]}" setpriv --reuid=65534 --regid=65534 --clear-groups env -u TMPDIR HOME="$work/user" sh "$work/lab.run" -b) >"$work/log" 2>&1 ||
        { cat "$work/log"; fail "an unprivileged user cannot install"; }
    (cd /; as_user "$work/user/lab/bin/python" -c "$imports" "$work/user/lab") || fail "an unprivileged user cannot use what was installed"
    [ "$(list "$work/user/lab")" = "$files" ] || fail "an unprivileged user lacks files"
    [ -z "$(find "$work/user/lab" ! -user 65534)" ] || fail "files of another owner"
    # What the user must not write is refused, and a staging directory of somebody else, in both directions.
    mkdir -m 755 "$work/roots"; chmod 1777 "$work/shared"
    unchanged roots "$work/roots"
    expect 5 "$work/roots" as_user sh "$work/lab.run" -b -p "$work/roots/env"
    unchanged roots "$work/roots"
    mkdir -m 700 "$(stage_of "$work/shared/mine")" "$(stage_of "$work/shared/theirs")"
    touch "$(stage_of "$work/shared/theirs")/file"
    chown -R 65534:65534 "$(stage_of "$work/shared/theirs")"
    rm "$work/seen-shared"; unchanged shared "$work/shared"
    expect 5 "is in the way" as_user sh "$work/lab.run" -b -p "$work/shared/mine"
    expect 5 "is in the way" run -p "$work/shared/theirs"
    unchanged shared "$work/shared"
else
    echo "note: $work cannot be entered by another user; the unprivileged user was not tried"
fi

# The rest mounts things, in a mount namespace of its own.
unshare -m true 2>/dev/null || { echo "second_machine: no mount namespace can be made here; mounts were not tried"; exit 0; }
cat >"$work/mounts.sh" <<'MOUNTS'
set -eu
work=$1 imports=$2
fail() { cat "$work/log"; echo "FAIL: $*" >&2; exit 1; }
mount --make-rprivate /
mount --bind "$work" /mnt && cd /
expect() { # STATUS TEXT command…
    wanted=$1 text=$2 status=0; shift 2
    "$@" >"$work/log" 2>&1 || status=$?
    [ "$status" = "$wanted" ] || fail "exit status $status instead of $wanted: $*"
    grep -qF -- "$text" "$work/log" || fail "'$text' is not in the output of: $*"
}
# Targets that cannot take the files: nothing may be written.
mkdir /mnt/ro /mnt/inodes /mnt/stick
mount -t tmpfs none /mnt/ro; mount -o remount,ro /mnt/ro
expect 5 /mnt/ro sh /mnt/lab.run -b -p /mnt/ro/env
expect 5 /mnt/ro sh /mnt/lab.run -b -p /mnt/ro/a/b/env
expect 5 /mnt/ro sh /mnt/lab.run -b -f -p /mnt/ro
mount -t tmpfs -o nr_inodes=200 none /mnt/inodes
expect 5 inode sh /mnt/lab.run -b -p /mnt/inodes/env
expect 5 inode sh /mnt/lab.run -b -p /mnt/inodes/a/env
[ -z "$(ls -A /mnt/inodes)" ] || fail "something was written although the inodes do not suffice: $(ls -A /mnt/inodes)"

# A stick: read-only, noexec, nosuid, nodev, and no exec bits.
mount -t tmpfs none /mnt/stick; cp /mnt/lab.run "/mnt/stick/LAB 1.RUN"; chmod 444 /mnt/stick/*
mount -o remount,ro,noexec,nosuid,nodev /mnt/stick
expect 0 "" sh "/mnt/stick/LAB 1.RUN" -b -p /mnt/from-stick
/mnt/from-stick/bin/python -c "$imports" /mnt/from-stick
(cd /mnt/stick && expect 0 "" sh "./LAB 1.RUN" --check -p /mnt/other)
(cd /mnt/stick && expect 0 "" sh "LAB 1.RUN" --verify-file)

# No usual directory for temporary files can start a program: HOME does; and without that, one clear sentence.
for directory in /tmp /var/tmp /dev/shm; do [ ! -d "$directory" ] || mount -t tmpfs -o noexec none "$directory"; done
unset TMPDIR XDG_RUNTIME_DIR
mkdir /mnt/home2; export HOME=/mnt/home2 work=/mnt
expect 0 "" sh /mnt/stick/*.RUN -b
"$HOME/lab/bin/python" -c "$imports" "$HOME/lab"
[ -z "$(ls -A "$HOME" | grep -vxE 'lab|[.]conda')" ] || fail "the program was left in HOME: $(ls -A "$HOME")"
for directory in /tmp /var/tmp /dev/shm; do [ -z "$(ls -A "$directory")" ] || fail "something is left in $directory"; done
mkdir /mnt/home3; mount -t tmpfs -o noexec none /mnt/home3
cd /mnt/stick; HOME=/mnt/home3 expect 5 "set TMPDIR" sh ./*.RUN -b -p /mnt/never
[ ! -e /mnt/never ] && [ -z "$(ls -A /mnt/home3)" ] || fail "something was written without a directory that can start a program"
MOUNTS
unshare -m "${offline[@]}" sh "$work/mounts.sh" "$work" "$imports" || fail "the mounts' part"
echo "second_machine: users, mounts, sticks, staging directories, two at once and Ctrl-C behaved"
