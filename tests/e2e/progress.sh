#!/usr/bin/env bash
# Every phase that takes long has a progress line with a total, at any width; JSON has the seconds of each; Ctrl-C in
# `build` leaves one sentence, nothing half-written, and a cache to go on with.
. "$(dirname "$0")/common.inc"
cd "$work"
small_wheels
export TINDERBOX_CACHE=$work/cache # nothing is packed or compiled yet
lines() { python3 "$root/tests/tools/progress_lines.py" "$@"; }
head -c 100M /dev/urandom >large.bin
printf 'numpy==2.2.6\n' >requirements.txt
build=(build requirements.txt --python-from "$python" --no-pip --no-index --find-links "$links" --include large.bin --jobs 1)

# Ctrl-C while a parcel is written.
interrupted() { # CONDITION TEXT command…
    local status=0 condition=$1 text=$2
    shift 2
    env --default-signal=INT setsid "$@" >log 2>&1 &
    pid=$!
    wait_for eval "$condition || ! kill -0 $pid 2>/dev/null" || fail "nothing to interrupt: $condition"
    kill -INT "$pid" 2>/dev/null || { cat log; fail "it ended before it could be interrupted: $*"; }
    wait "$pid" || status=$?
    [ "$status" = 7 ] || { cat log; fail "Ctrl-C ended with $status instead of 7: $*"; }
    [ "$(grep -c . log)" -ge 1 ] && tail -n 1 log | grep -q "^error: $text" || { cat log; fail "no sentence: $*"; }
}
interrupted 'compgen -G "cache/parcels/*/*.partial" >/dev/null' 'build was interrupted while .*; nothing half-written is left, and the same command goes on' \
    "$tinderbox" "${build[@]}" -o lab.run
[ ! -e lab.run ] || fail "an interrupted build left an installer"
[ -z "$(find . -name '*.partial' -o -name '*.tmp*' -o -name 'tinderbox.*')" ] || fail "left: $(find . -name '*.partial' -o -name '*.tmp*' -o -name 'tinderbox.*')"

seen=$(lines 80 "$tinderbox" "${build[@]}" -o lab.run --json) || fail "$seen"
grep -q compiling <<<"$seen" || fail "a whole standard library was compiled without a line: $seen"
for width in 40 200; do
    rm -rf env
    seen=$(lines $width sh lab.run -b -p "$work/env" --jobs 1 --json) || fail "$seen"
    seen=$(lines $width sh lab.run --integrity -p "$work/env" --jobs 1 --json) || fail "$seen"
    seen=$(lines $width sh lab.run --repair -p "$work/env" --jobs 1 --json) || fail "$seen"
    seen=$(lines $width sh lab.run -b --replace -p "$work/env" --jobs 1 --json) || fail "$seen"
    seen=$(lines $width sh lab.run -b --uninstall -p "$work/env" --jobs 1 --json) || fail "$seen"
done

# Seconds of every phase.
sh lab.run -b -p "$work/env" --json 2>/dev/null | python3 -c '
import json, sys
report = json.load(sys.stdin)
assert report["preflight"]["seconds"] > 0 and report["verification"]["seconds"] > 0, report
stages = {one["name"]: one["seconds"] for one in report["installation"]["stages"]}
assert {"extract", "commit", "registered"} <= stages.keys(), stages
assert abs(sum(stages.values()) - report["installation"]["seconds"]) < 0.001, report["installation"]' || fail "seconds of the installation"
for mode in --integrity --repair --uninstall; do
    sh lab.run -b $mode -p "$work/env" --json 2>/dev/null | python3 -c '
import json, sys
said = json.load(sys.stdin)
assert said["stages"] and abs(sum(one["seconds"] for one in said["stages"]) - said["seconds"]) < 0.001, said' || fail "seconds of $mode"
done

# No terminal: whole lines only. --quiet: none.
sh lab.run -b -p "$work/env" >out 2>err
! grep -q $'\r\|\x1b' err || fail "a file got what is for a terminal: $(cat -v err)"
sh lab.run -b --quiet --uninstall -p "$work/env" >out 2>err || fail "--quiet: $(cat err)"
[ ! -s err ] && [ ! -s out ] || fail "--quiet is not quiet: $(cat out err)"

# A server that accepts and never answers.
python3 -uc '
import socket, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1])
connection = server.accept()
print("asked")
time.sleep(600)' >server.log &
server=$!
wait_for test -s server.log
interrupted 'grep -q asked server.log' 'lock was interrupted.*; nothing half-written is left, and the same command goes on' \
    "$tinderbox" lock --pip six --python 3.11 --pip-only --index-url "http://127.0.0.1:$(head -n 1 server.log)/simple/" -o x.lock
[ ! -e x.lock ] || fail "an interrupted lock left a file"
