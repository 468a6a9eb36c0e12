#!/usr/bin/env bash
# Inputs that are no files: a pipe is read once and wholly, by every command and in every place; what is neither a text nor
# a pipe with somebody behind it is refused at once, and so is a text that is too large.
. "$(dirname "$0")/edges.inc"

# same_packages FILE: FILE, a lock or a .run, has the packages of x.lock.
same_packages() { quietly "$tinderbox" diff --exit-code x.lock "$1"; }
quietly "$tinderbox" build <(cat r.txt) "${from[@]}" --name n -o a.run
same_packages a.run
quietly "$tinderbox" build - "${from[@]}" --name n -o b.run < <(cat r.txt)
same_packages b.run
quietly "$tinderbox" lock /dev/stdin "${from[@]}" -o c.lock <r.txt
same_packages c.lock
grep -q '"sources"' c.lock && fail "a lock names a pipe as its source"
mkdir d e
quietly "$tinderbox" build <(cat x.lock) --level fast -o d/x.run
quietly "$tinderbox" build - --level fast -o e/x.run <x.lock
same_packages d/x.run
cmp d/x.run e/x.run || fail "a lock from standard input gives other bytes than one from a pipe"
# Files that other files name; they lie beside no pipe, but where the command runs.
quietly "$tinderbox" lock <(echo "-r $PWD/r.txt") "${from[@]}" -o f.lock
quietly "$tinderbox" lock <(echo "-r r.txt") "${from[@]}" -o g.lock
quietly "$tinderbox" lock <(echo "-r /dev/stdin"; echo "-c /dev/stdin") "${from[@]}" -o h.lock <r.txt
for lock in f g h; do same_packages $lock.lock; done
for spec in r.txt x.lock; do
    [ "$("$tinderbox" inspect --json <(cat $spec))" = "$("$tinderbox" inspect --json $spec)" ] || fail "inspect of a pipe: $spec"
    [ "$("$tinderbox" inspect - <$spec)" = "$("$tinderbox" inspect $spec)" ] || fail "inspect of standard input: $spec"
done
quietly "$tinderbox" diff --exit-code <(cat x.lock) x.run
[ "$(cat x.lock | SOURCE_DATE_EPOCH=0 "$tinderbox" sbom -)" = "$(SOURCE_DATE_EPOCH=0 "$tinderbox" sbom x.lock)" ] || fail "sbom of standard input"
quietly "$tinderbox" build --plan --json - <x.lock
quietly "$tinderbox" verify x.run --key <(cat key.pub.pem)
quietly "$tinderbox" sign d/x.run --key - <key.pem
quietly sh x.run --verify-file --key <(cat key.pub.pem)
mkfifo fed
cat r.txt >fed &
quietly "$tinderbox" lock fed "${from[@]}" -o i.lock
same_packages i.lock
refused 2 "standard input" "$tinderbox" inspect - <&-

mkfifo fifo
mkdir directory
ln -s fifo link
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
truncate -s 4G sparse
cp x.run f.run && mkfifo f.run.sig
refused 4 "is a pipe" "$tinderbox" verify f.run --key key.pub.pem
refused 4 "is a pipe" sh f.run --list --key key.pub.pem
for odd in fifo link directory socket /dev/zero sparse; do
    echo "-r $odd" >nested.txt
    echo "-c $odd" >constrained.txt
    pids=()
    for command in build lock "build --plan" inspect sbom "diff r.txt" "sign x.run --key" "verify x.run --key" "build r.txt --sign"; do
        refused 2 "$odd" "$tinderbox" $command $odd & pids+=($!) # a FIFO takes five seconds each
    done
    refused 2 "nested.txt:1: '$odd'" "$tinderbox" lock nested.txt & pids+=($!)
    refused 2 "constrained.txt:1: '$odd'" "$tinderbox" lock constrained.txt & pids+=($!)
    refused 2 "'$odd'" sh x.run --list --key $odd & pids+=($!)
    if [ $odd != sparse ]; then # which is a damaged .run
        for command in verify "sign --key key.pem" doctor; do
            refused 2 "'$odd' is a" "$tinderbox" $command $odd & pids+=($!)
        done
    fi
    for pid in "${pids[@]}"; do wait "$pid"; done
done
