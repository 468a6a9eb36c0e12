#!/usr/bin/env bash
# The CUDA probes as processes: wrong usage, kills, closed descriptors, a reader that goes away; they write no file.
. "$(dirname "$0")/cuda_probe.inc"
echo "== wrong usage"
for arguments in "--stage 3" "--stage" "--seconds 0" "--seconds x" "--seconds 999999999999999999999" "--seconds" "--memory" "--memory 96" "--memory -1" "--memory 5x" "device" "--help"; do
    status=0
    # shellcheck disable=SC2086
    "$probes/cuda_probe_0" $arguments >"$work/out" 2>"$work/err" || status=$?
    [ "$status" = 2 ] && [ ! -s "$work/out" ] && grep -q '^usage:' "$work/err" || fail "'$arguments' gave exit $status"
done
echo "ok       exit 2 and one line of usage"

drivers
echo "== the probe is killed: its child goes with it"
"${fake[@]}" FAKE_CUDA=hang=cuInit "$probes/cuda_probe_0" >"$work/out" &
supervisor=$!
wait_for grep -q '"driver"' "$work/out" || fail "the probe says nothing"
child=$(cat "/proc/$supervisor/task/$supervisor/children" | tr -d ' ')
[ -n "$child" ] || fail "the probe has no child"
kill -KILL "$supervisor"
{ wait "$supervisor" || true; } 2>/dev/null
# A zombie that is not reaped yet counts as dead.
dead() { [ ! -d "/proc/$child" ] || grep -q '^State:.*Z' "/proc/$child/status"; }
wait_for dead || fail "the child $child lives on"
echo "ok       killed"

echo "== closed descriptors, and a reader that goes away"
"${fake[@]}" "$probes/cuda_probe_0" --stage 1 <&- 2>&- | tail -n 1 | grep -q '"ok":true' || fail "closed stdin and stderr"
status=0
"${fake[@]}" "$probes/cuda_probe_0" --stage 1 >&- || status=$?
[ "$status" = 0 ] || fail "closed stdout gave exit $status"
{
    status=0
    "${fake[@]}" FAKE_CUDA=devices=8 timeout 20 "$probes/cuda_probe_0" || status=$?
    echo $status >"$work/status"
} | head -n 1 >/dev/null
[ "$(cat "$work/status")" = 1 ] || fail "a reader that goes away gave exit $(cat "$work/status")"
echo "ok"

echo "== nothing is written anywhere"
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
    for probe in "$probes"/*; do
        "${fake[@]}" strace -f -o "$work/trace" -e trace=%file "$probe" >/dev/null || true
        if grep -E 'O_WRONLY|O_RDWR|O_CREAT|mkdir|unlink|rename|mknod|symlink|chmod' "$work/trace" | grep -v '"/dev/null"'; then
            fail "$(basename "$probe") writes"
        fi
    done
    echo "ok       by strace"
else
    echo "skipped  no strace"
fi
