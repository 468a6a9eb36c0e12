#!/usr/bin/env bash
# Ctrl-C in the header, while files are written, and during the verification: exit 7, and the same command continues. Of
# several installers for one prefix one installs; the others leave it alone.
. "$(dirname "$0")/second_machine.inc"

# interrupted PREFIX CONDITION: presses Ctrl-C twice as soon as the condition holds.
interrupted() {
    local status=0
    stop_when "$2" env TMPDIR="$work/tmp" "${offline[@]}" sh lab.run -b -p "$1" --jobs 1 || fail "nothing to interrupt: $2"
    kill -INT "$pid"
    kill -INT -- "-$pid"
    # More than once: a process that was just being forked may stop after the first one.
    while kill -CONT -- "-$pid" 2>/dev/null && kill -0 "$pid" 2>/dev/null && [[ $(ps -o stat= -p "$pid") != Z* ]]; do sleep 0.1; done
    wait "$pid" || status=$?
    [ "$status" = 7 ] || { cat log; fail "Ctrl-C ended with $status instead of 7: $2"; }
    [ -z "$(ls -A tmp)" ] || fail "Ctrl-C left the installer's program: $2"
}
mkdir tmp
# In the header: a shell script copies the stub.
interrupted "$work/header" 'compgen -G "$work/tmp/*" >/dev/null'
[ ! -e header ] && ! compgen -G "$work/.header*" >/dev/null || fail "Ctrl-C in the header left something"
stage=$(stage_of "$work/writing")
interrupted "$work/writing" '[ -e "$stage/lib" ]'
[ ! -e writing ] || fail "an interrupted installation left a prefix"
# After the commit the prefix is whole.
interrupted "$work/verifying" '[ -e "$work/verifying/bin" ]'
whole "$work/verifying"
for prefix in header writing verifying; do
    quietly run -p "$work/$prefix"
    whole "$work/$prefix"
done

# Two installers for one prefix: the second ends, and the first continues undisturbed.
stage=$(stage_of "$work/two")
stop_when '[ -e "$stage/lib" ]' "${offline[@]}" sh lab.run -b -p "$work/two" --jobs 1 || fail "no second installer could be started in time"
expect 5 "another installer is working on '$work/two'" run -p "$work/two"
kill -CONT -- "-$pid"
wait "$pid" || { cat log; fail "a second installer disturbed the first"; }
whole "$work/two"
pids=()
for n in 1 2 3 4; do run -p "$work/race" >"race.$n" 2>&1 & pids+=($!); done
statuses=
for pid in "${pids[@]}"; do
    status=0; wait "$pid" || status=$?
    statuses+="$status "
done
[ "$(tr ' ' '\n' <<<"$statuses" | sort | xargs)" = "0 5 5 5" ] || { cat race.?; fail "four installers of one prefix ended with $statuses"; }
whole "$work/race"
[ -z "$(find . -maxdepth 1 -name '.*tinderbox-stage*')" ] || fail "staging directories are left: $(ls -A)"
