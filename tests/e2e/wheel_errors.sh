#!/usr/bin/env bash
# Invalid wheels: truncated, another file, without a RECORD, of a newer version, with paths outside, for another system.
. "$(dirname "$0")/common.inc"
small_wheels
cd "$work"
from=(--python-from "$python")
good=$(ls "$links"/six-*.whl)
try() { # WHEEL TEXT
    printf '%s\n' "./$1" >r.txt
    expect 2 "$2" "$tinderbox" build r.txt "${from[@]}" --no-index -o out.run
    [ ! -e out.run ] || fail "a failed build left out.run"
}
head -c 5000 "$good" >six-1.17.0-py2.py3-none-any.whl
try six-1.17.0-py2.py3-none-any.whl six-1.17.0
echo '<html>login</html>' >six-1.17.0-py2.py3-none-any.whl
try six-1.17.0-py2.py3-none-any.whl six-1.17.0
for case in "norecord RECORD" "version2 Wheel-Version" "dotdot outside.py"; do
    set -- $case
    python3 "$root/tests/fixtures/change_wheel.py" "$good" six-1.17.0-py2.py3-none-any.whl "$1"
    try six-1.17.0-py2.py3-none-any.whl "$2"
done
python3 "$root/tests/fixtures/change_wheel.py" "$good" six-1.17.0-py2.py3-none-any.whl record
printf './six-1.17.0-py2.py3-none-any.whl\n' >r.txt
expect 0 "six.py" "$tinderbox" build r.txt "${from[@]}" --no-index -o out.run
rm -f out.run out.run.sha256
expect 2 "six.py" "$tinderbox" build r.txt "${from[@]}" --no-index --strict -o out.run
cp "$good" six-1.17.0-cp27-cp27m-win32.whl
try six-1.17.0-cp27-cp27m-win32.whl win32
printf './six-1.17.0.tar.gz\n' >r.txt; touch six-1.17.0.tar.gz
expect 2 "six-1.17.0.tar.gz" "$tinderbox" build r.txt "${from[@]}" --no-index -o out.run
