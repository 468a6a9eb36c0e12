#!/usr/bin/env bash
# Standard output that cannot be written: a full device, a closed descriptor, a reader that has ended. A result that did not
# arrive is never exit status 0, and each command with a result is tried.
. "$(dirname "$0")/edges.inc"
quietly sh x.run -b -p "$work/p"
commands=(
    "$tinderbox --version" "$tinderbox --help" "$tinderbox build --help" "$tinderbox cache clean --help"
    "$tinderbox inspect x.run" "$tinderbox inspect --json x.run" "$tinderbox inspect --files x.run"
    "$tinderbox inspect x.lock" "$tinderbox inspect --json x.lock" "$tinderbox inspect r.txt" "$tinderbox inspect --json r.txt"
    "$tinderbox diff x.lock x.run" "$tinderbox diff --json x.lock r.txt" "$tinderbox diff --exit-code x.lock r.txt"
    "$tinderbox sbom x.run" "$tinderbox sbom --format spdx x.lock" "$tinderbox sbom x.lock -o -"
    "$tinderbox cache info" "$tinderbox cache info --json" "$tinderbox doctor --no-probe --json"
    "$tinderbox build --plan x.lock" "$tinderbox build --plan --json x.lock" "$tinderbox build --json x.lock --level fast -o y.run"
    "$tinderbox lock x.lock" "$tinderbox lock x.lock --format requirements" "$tinderbox lock x.lock -o -"
    "sh x.run --help" "sh x.run --version" "sh x.run --list" "sh x.run --list --json" "sh x.run --info" "sh x.run --info --json"
    "sh x.run --license" "sh x.run --verify-file" "sh x.run --verify-file --json" "sh x.run --check" "sh x.run --check --json"
    "sh x.run -p p --integrity" "sh x.run -p p --integrity --json" "sh x.run -p p --repair --json" "sh x.run -p p --verify-only"
    "p/.tinderbox/stub --list" "p/.tinderbox/stub --integrity" "sh x.run -b -p q --json"
    "sh x.run -b -p q --uninstall" "sh x.run --extract e --json"
)
# ended STATUS HOW: so did the last command.
ended() {
    [ "$status" = "$1" ] || { cat err >&2; fail "exit status $status instead of $1, $2: $command"; }
}
for command in "${commands[@]}"; do
    status=0
    $command >out 2>err || status=$?
    right=$status
    # doctor and --check also tell by their exit status what they think of this machine.
    case $command in
    *--exit-code* | *"doctor "* | *--check*) ;;
    *) [ "$right" = 0 ] || { cat err >&2; fail "exit status $right: $command"; } ;;
    esac
    [ -s out ] || fail "no result, so there is nothing to lose: $command"
    wanted=5
    [ "$right" -le 1 ] || wanted=$right
    case $command in *" q --uninstall") quietly sh x.run -b -p q ;; *" q "*) rm -rf q ;; *"--extract e"*) rm -rf e ;; esac
    status=0
    $command >/dev/full 2>err || status=$?
    ended $wanted "standard output full"
    grep -q "error: cannot write to standard output: No space left on device" err || { cat err >&2; fail "a full device is not said: $command"; }
    case $command in *" q "* | *"--extract e"*) continue ;; esac
    status=0
    $command >&- 2>err || status=$?
    ended $wanted "standard output closed"
    grep -q "error: cannot write to standard output" err || { cat err >&2; fail "a closed output is not said: $command"; }
    # The reader has ended before anything is written.
    { status=0; sleep 0.2; $command 2>err || status=$?; echo $status >code; } | true
    status=$(cat code)
    ended $wanted "nobody reads"
    if grep "standard output" err; then fail "a reader that has ended is complained about: $command"; fi
done
# Where descriptors are closed no file is taken for standard output.
"$tinderbox" lock x.lock -o closed.lock >&- 2>&- <&-
cmp closed.lock x.lock || fail "a lock made with closed descriptors has other bytes"
