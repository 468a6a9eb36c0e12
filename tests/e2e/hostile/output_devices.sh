#!/usr/bin/env bash
# An output option that names a device writes into it, also through a link; a full one is an error. What needs a regular file
# says so. All devices are the test's own.
. "$(dirname "$0")/writers.inc"
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
