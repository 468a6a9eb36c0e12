#!/usr/bin/env bash
# Volumes that are missing, mixed up, truncated, changed, or of another installer: the sentence names the file.
. "$(dirname "$0")/volumes.inc"
volume_size
build plain.run
build set.run --split "$split"
volumes=$(ls set.run set.run.0* | wc -l)
expect 2 "start the first one" sh set.run.002 -b
expect 2 "name the first one" "$tinderbox" verify set.run.002
expect 2 "name the first one" "$tinderbox" inspect set.run.002
expect 2 "name the first one" "$tinderbox" diff set.run set.run.002

mkdir moved
mv set.run.002 moved/
for command in "--list" "--check" "--verify-file" "-b -p $work/p" "--license"; do
    # shellcheck disable=SC2086
    expect 4 "set.run.002' is not there" sh set.run $command
done
expect 4 "set.run.002' is not there" "$tinderbox" verify set.run
expect 0 "usage:" sh set.run -h
# -i asks for a missing volume. The answers: its directory, then its file.
printf '%s\n' "$work/moved" | expect 0 numpy sh set.run --list -i
printf '%s\n%s\n' "$work/nowhere" "$work/moved/set.run.002" | expect 0 numpy sh set.run --list -i
printf 'q\n' | expect 4 "is not there" sh set.run --list -i

wrong() { expect 4 "$1" sh set.run "${@:2}"; } # TEXT ARGUMENT…
cp set.run.003 set.run.002 && wrong "holds volume 3 of $volumes, not volume 2" --list
cp plain.run set.run.002 && wrong "no volume" --list
for cut in 0 100 4095 4096 5000 $((4 << 20)); do
    head -c "$cut" moved/set.run.002 >set.run.002
    wrong "set.run.002' is incomplete" -b -p "$work/p"
done
{ cat moved/set.run.002; echo more; } >set.run.002 && wrong "5 bytes after its end" --list
for at in 10 2050 2060 3000 4090; do
    cp moved/set.run.002 set.run.002 && flip set.run.002 "$at"
    wrong "set.run.002" --list
done
cp moved/set.run.002 set.run.002
flip set.run.002 1000000
wrong "damaged" -b -p "$work/p"
wrong "damaged" --verify-file
[ ! -e p ] || fail "a damaged set left something behind"

# A volume of another installer with the same number of volumes.
echo 'markupsafe==3.0.3' >>requirements.txt
build other.run --split "$split"
cp other.run.002 set.run.002 && wrong "belongs to another installer" --list
cp moved/set.run.002 set.run.002
last=$(ls set.run.0* | tail -n 1)
cp "$last" kept.last
cp "other.run${last#set.run}" "$last" && wrong "belongs to another installer" --list
cp kept.last "$last"
cp other.run set.run && wrong "belongs to another installer" --list
