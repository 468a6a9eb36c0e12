#!/usr/bin/env bash
# Some system calls of an installation fail once, or end it; tests/e2e/full/inject.sh tries each call of every kind.
. "$(dirname "$0")/hostile.inc"
command -v strace >/dev/null && strace -qq -e inject=getpid:error=EIO true 2>/dev/null || skip "strace is needed, with the right to trace"
! sanitized || skip "a sanitizer's own system calls may not fail"
tiny_run
tries() { python3 "$root/tests/tools/inject.py" tiny.run "$@" || fail "see above"; }
tries --calls openat,write,mkdir,renameat2 --faults ENOSPC,SIGKILL
tries --calls io_uring_enter,syncfs --faults EIO
tries --calls flock --faults ENOLCK
tries --calls mmap,clone3 --faults ENOMEM
tries --calls mkdirat --faults EMFILE,EINTR
