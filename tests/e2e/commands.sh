#!/usr/bin/env bash
# `new` and `cache`: no terminal is needed, no file is overwritten, no foreign file is removed.
. "$(dirname "$0")/commands.inc"
mkdir nv
quietly "$tinderbox" new </dev/null
grep -q 'cuda-version=12 ' environment.yml || { cat environment.yml; fail "no CUDA in environment.yml"; }
"$tinderbox" inspect environment.yml --json | python3 -c '
import json, sys
request = json.load(sys.stdin)
assert request["name"] == "lab" and "conda-forge" in request["channels"], request
assert {"python", "cuda-version", "pytorch-gpu", "torchvision"} == {c["name"] for c in request["conda"]}, request
'
cp environment.yml before.yml
expect 2 "not overwritten" "$tinderbox" new
cmp environment.yml before.yml || fail "new changed a file that was there"
printf 'my-env\n3.12\nnone\nnone\nrich pip:six>=1.16\n' | quietly "$tinderbox" new -o cpu.yml
grep -q 'six>=1.16' cpu.yml && ! grep -q cuda cpu.yml || { cat cpu.yml; fail "the answers are not in the file"; }
for none in none No - nothing; do
    printf 'lab\n3.12\n%s\n%s\n%s\n' "$none" "$none" "$none" | quietly "$tinderbox" new -o "none of $none.yml"
    [ "$(sed -n '/^dependencies/,$p' "none of $none.yml")" = $'dependencies:\n  - python=3.12' ] ||
        fail "'$none' as an answer: $(cat "none of $none.yml")"
done
[ "$(tail -n 1 log)" = "        next tinderbox build 'none of nothing.yml' --base none" ] || fail "the last line: $(tail -n 1 log)"
printf 'lab\n3.12\nno\nno\nnumpy >= 1.26, < 3 pandas=2 , scipy\n' | quietly "$tinderbox" new -o bounds.yml
[ "$(tail -n 1 log)" = "        next tinderbox build bounds.yml" ] || fail "the last line: $(tail -n 1 log)"
[ "$(sed -n 's/^  - //p' bounds.yml | tail -n 3 | tr '\n' ' ')" = "numpy>=1.26,<3 pandas=2 scipy " ] || fail "$(cat bounds.yml)"
# pip alone: of conda there is only the Python.
printf 'lab\n3.12\nno\n12.4\npip:six\n' | quietly "$tinderbox" new -o wheels.yml
! grep -q cuda-version wheels.yml && grep -q -- '--cuda 12.4' wheels.yml || { cat wheels.yml; fail "conda's CUDA for pip alone"; }
printf 'lab\n2.7\n' >answers
expect 2 "answer 2" "$tinderbox" new -o x.yml <answers
[ ! -e x.yml ] || fail "a wrong answer left a file"
if command -v script >/dev/null; then # on a terminal the question is repeated after a wrong answer
    printf 'lab\nnine\n3.11\nnone\nnone\n\n' | expect 0 'write a version' timeout 60 script -qec "$tinderbox new -o tty.yml" /dev/null
    grep -q 'Python version \[3.11\]' out && [ -e tty.yml ] || { cat out; fail "a wrong answer is not asked again"; }
fi

quietly "$tinderbox" build --pip six==1.17.0 "${from[@]}" -o six.run
"$tinderbox" cache info --json | python3 -c '
import json, sys
info = json.load(sys.stdin)
assert info["parts"]["parcels"]["bytes"] > 0 and info["bytes"] == sum(p["bytes"] for p in info["parts"].values()), info
'
touch cache/not-ours
expect 0 "removed" "$tinderbox" cache clean parcels
[ ! -e cache/parcels ] && [ -e cache/artifacts ] || fail "cache clean PART removed something else"
quietly "$tinderbox" cache clean --json
[ -e cache/not-ours ] && [ ! -e cache/artifacts ] || fail "cache clean"
expect 2 "everything not in" "$tinderbox" cache clean everything
