#!/usr/bin/env bash
# Every system call of an installation fails once with each of five errors, and ends it once. Hours.
. "$(dirname "$0")/../hostile/hostile.inc"
command -v strace >/dev/null && strace -qq -e inject=getpid:error=EIO true 2>/dev/null || skip "strace is needed, with the right to trace"
! sanitized || skip "a sanitizer's own system calls may not fail"
tiny_run
python3 "$root/tests/tools/inject.py" tiny.run --every || fail "see above"
