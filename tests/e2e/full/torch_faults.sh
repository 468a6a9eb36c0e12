#!/usr/bin/env bash
# A torch-sized installation under faults: killed at 20 moments (TINDERBOX_KILLS) and run again, failing system calls, a full disk, damage of
# the file, two installations at once. Downloads 3 GB once, needs 20 GB of disk.
. "$(dirname "$0")/../common.inc"
python=$(find_python) || skip "no Python 3.10 to 3.13 with pip"
! sanitized || skip "a sanitizer's own system calls may not fail"
links=$TINDERBOX_CACHE/test-wheels/torch-$("$python" -c 'import sys; print("%d%d" % sys.version_info[:2])')
[ "$(df --output=avail -B1G "$work" | tail -n 1)" -ge 25 ] || skip "25 GB of disk are needed in $work"
if [ ! -e "$links/.complete" ]; then
    mkdir -p "$links"
    env -u PIP_FIND_LINKS "$python" -m pip download -q --only-binary :all: -d "$links" torch torchvision >"$work/pip.log" 2>&1 ||
        skip "the package index does not give torch: $(tail -n 1 "$work/pip.log")"
    touch "$links/.complete"
fi
cd "$work"
mkdir in tmp
export TMPDIR=$work/tmp
quietly "$tinderbox" build --pip torch --pip torchvision --python-from "$python" --no-index --find-links "$links" --level fast -o torch.run
run() { sh torch.run -b --no-gpu -p "$work/in/env" "$@"; }
seconds() { local from=$EPOCHREALTIME; "$@" >/dev/null 2>&1 || fail "exit status $?: $*"; awk -v a="$from" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'; }
whole() { quietly "$work/in/env/.tinderbox/stub" --integrity; }
# Where the file system discards what is freed, removing takes longer than installing: it goes on beside the next one.
removing=
remove_env() {
    [ -z "$removing" ] || wait "$removing"
    mv in/env removed
    rm -rf removed & removing=$!
}
# torch's import makes a directory of its own there.
nothing_left() { rm -rf tmp/torchinductor_*; [ -z "$(ls -A in)$(ls -A tmp)" ] || fail "left behind: $(ls -A in tmp)"; }

took=$(seconds run)
whole
remove_env
echo "an installation takes $took s"

# Killed with everything that it started, then run again: the second run ends it. Every fourth is killed a second time.
kills=${TINDERBOX_KILLS:-20}
for i in $(seq "$kills"); do
    for again in $([ $((i % 4)) = 0 ] && echo 1 2 || echo 1); do
        env setsid sh torch.run -b --no-gpu -p "$work/in/env" >killed.log 2>&1 &
        sleep "$(awk -v t="$took" -v i="$i" -v n="$again" -v k=$((kills + 1)) 'BEGIN { print t * i / k / n }')"
        pkill -KILL -s $! 2>/dev/null || true
        wait $! 2>/dev/null || true
        rm -rf tmp/* # of the killed program
    done
    quietly run
    whole
    [ "$(ls -A in)" = env ] || fail "left behind: $(ls -A in)"
    remove_env
done
echo "$kills kills, $((kills + kills / 4)) with the second ones: each run after them ended with a whole environment"

# One damaged byte or a cut at ten places each: refused, nothing written.
size=$(stat -c %s torch.run)
cp torch.run damaged.run
for i in $(seq 10); do
    at=$((size / 10 * i - 4096))
    byte=$(od -An -tu1 -j "$at" -N 1 torch.run)
    printf "\\x$(printf %x $((byte ^ 16)))" | dd of=damaged.run bs=1 seek="$at" conv=notrunc status=none
    status=0
    sh damaged.run -b --no-gpu -p "$work/in/env" >log 2>&1 || status=$?
    [ "$status" = 4 ] && [ "$(grep -c '^error: ' log)" = 1 ] || { cat log; fail "a damaged byte at $at: exit $status"; }
    nothing_left
    dd if=torch.run of=damaged.run bs=1 skip="$at" seek="$at" count=1 conv=notrunc status=none
done
cmp torch.run damaged.run
for i in $(seq 9 -1 0); do
    truncate -s $((size / 10 * i + 5000)) damaged.run
    status=0
    sh damaged.run -b --no-gpu -p "$work/in/env" >log 2>&1 || status=$?
    [ "$status" = 4 ] && [ -s log ] || { cat log; fail "cut to $((size / 10 * i + 5000)): exit $status"; }
    nothing_left
done
rm damaged.run
echo "10 damaged bytes and 10 cuts: exit 4 with a sentence, nothing left"

# Failing calls, in the middle of the work. The program itself: strace follows no execve here.
take_stub torch.run stub
if command -v strace >/dev/null && strace -qq -e inject=getpid:error=EIO true 2>/dev/null; then
    tried=0
    for fault in io_uring_enter:EIO:40 openat:ENOSPC:4000 openat:EMFILE:900 mkdirat:ENOSPC:700 write:ENOSPC:4 renameat2:EIO:1 \
        syncfs:EIO:1 mmap:ENOMEM:90 fchmod:EIO:500; do
        IFS=: read -r call error at <<<"$fault"
        status=0
        strace -f -qq -b execve -o strace.log -e trace="$call" -e inject="$call:error=$error:when=$at" \
            "$work/stub" --tinderbox-run "$work/torch.run" -- -b --no-gpu -p "$work/in/env" >log 2>&1 || status=$?
        case $status in
            0) whole && remove_env ;;
            2 | 3 | 4 | 5 | 7) [ "$(grep -c '^error: ' log)" = 1 ] || { cat log; fail "$fault: no sentence, or several"; } ;;
            *) cat log; fail "$fault: exit $status" ;;
        esac
        nothing_left
        tried=$((tried + 1))
    done
    echo "$tried failing system calls: a documented exit code, nothing left"
fi

# Two at once into one prefix: one of them does it, the other waits or says so.
run >first.log 2>&1 & first=$!
run >second.log 2>&1 & second=$!
status=0
wait $first || status=$?
other=0
wait $second || other=$?
[ $((status * other)) = 0 ] || { cat first.log second.log; fail "two at once: $status and $other"; }
whole
quietly "$work/in/env/.tinderbox/stub" --uninstall -b
nothing_left
echo "two at once and a removal: whole, then nothing left"
