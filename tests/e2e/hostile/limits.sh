#!/usr/bin/env bash
# Installing and building under limits of the process: memory, size of a file, descriptors. Each run ends well, or with a
# documented exit code and one sentence, and leaves nothing; afterwards it works without the limit.
. "$(dirname "$0")/hostile.inc"
! sanitized || skip "a sanitized program needs more room than any limit gives"
tiny_run
mkdir in out tmp
export TMPDIR=$work/tmp
tried=0 refused=0

# limited OPTION VALUE command…
limited() {
    local status=0 option=$1 value=$2
    shift 2
    # Through a pipe: the limit of the file size holds for a log as well.
    said=$(timeout 120 bash -c 'ulimit "$1" "$2" && shift 2 && exec "$@"' _ "$option" "$value" "$@" 2>&1 </dev/null) || status=$?
    tried=$((tried + 1))
    [ $status = 0 ] || refused=$((refused + 1))
    case $status in
        0) return ;;
        2 | 3 | 4 | 5 | 7 | 10) [ "$(grep -c '^error: ' <<<"$said")" = 1 ] || { echo "$said"; fail "no sentence, or several: ulimit $option $value"; } ;;
        *) echo "$said"; fail "$status with ulimit $option $value: $*" ;;
    esac
    [ -z "$(ls -A tmp)$(ls -A in)" ] || { echo "$said"; ls -AR in tmp; fail "ulimit $option $value left something"; }
}
whole() { [ -s in/env/.tinderbox/state ] && [ -s in/env/bin/python3.11 ] || fail "half an environment"; }
install() { # OPTION VALUE
    limited "$@" "$work/stub" --tinderbox-run "$work/tiny.run" -- -b -p "$work/in/env"
    [ ! -e in/env ] || { whole; rm -rf in/env; }
}
build() { # OPTION VALUE
    limited "$@" "$tinderbox" build list.txt --name tiny -o out/x.run
    # What has its name is whole, even where its directory could not be synced any more.
    [ -z "$(ls out | grep -vxF -e x.run -e x.run.sha256)" ] || fail "a temporary file is left: $(ls out)"
    [ ! -e out/x.run ] || quietly "$tinderbox" verify out/x.run
    rm -f out/*
}
# The program itself: the shell and its programs have words of their own for what they lack.
take_stub tiny.run stub
for value in 12000 16000 24000 40000 64000 96000 128000 192000 256000; do install -v $value; done
for value in 40000 48000 64000 96000 128000 192000 256000 400000; do build -v $value; done
# libsolv ends the process when an allocation fails. From the least memory that the program starts with.
least=8000
until (ulimit -v $least && "$tinderbox" --version) >/dev/null 2>&1; do least=$((least + 200)); done
for value in $(seq $least 200 $((least + 4000))); do
    limited -v "$value" "$tinderbox" build --plan --base none --name x --channel "$channel" --conda tinder-post
done
for value in 0 1 4 64 1000 3000; do install -f $value; build -f $value; done
for value in 3 4 5 6 8 10 12 16 24; do install -n $value; build -n $value; done
[ $refused -gt 10 ] || fail "only $refused of $tried runs met their limit"
quietly sh tiny.run -b -p "$work/in/env"
whole
echo "limits: $tried runs, $refused of them were refused with a sentence"
