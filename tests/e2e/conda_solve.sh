#!/usr/bin/env bash
# The conda solve on a small channel with known answers: no answer, the target's GPU, the default base.
. "$(dirname "$0")/common.inc"
export TINDERBOX_CACHE=$work/cache
cd "$work"
python3 "$root/tests/tools/small_channel.py" channel scipy/{0.19.1,1.0.0,1.0.1,1.1.0}/numpy numpy/1.15.0/python python/{2.7.15,3.6.6,3.7.0} \
    'functools32/3.2.3/python >=2.7,<2.8.0a0' zlib/1.2.11=ha838bed_2 cudatoolkit/{10.2,11.3}/__cuda

plan=("$tinderbox" build --plan --name x --channel "$work/channel")
refused() { expect 9 "$1" "${plan[@]}" --base none "${@:2}"; }
refused "asks for scipy<0.1, and there is 1.1.0, 1.0.1, 1.0.0 and 0.19.1" --conda 'scipy<0.1'
refused "did you mean numpy?" --conda numpyy
refused "asks for python=3.6" --conda python=3.6 --conda 'python=2.7'
refused "requires python" --conda python=3.7 --conda functools32
expect 2 "strict, flexible or disabled" "${plan[@]}" --base none --conda numpy --channel-priority often
expect 2 "write __NAME=VERSION" "${plan[@]}" --base none --conda numpy --virtual cuda=11

field() { # field PLACE OPTION…: prints the value at that place of the plan's lock
    "${plan[@]}" --json "${@:2}" >plan.json 2>err || { cat err >&2; fail "--plan ${*:2}"; }
    python3 -c 'import json, sys; print(eval("lock" + sys.argv[2], {"lock": json.load(open(sys.argv[1]))["lock"]}))' plan.json "$1"
}
# The GPU belongs to the target: with --cuda it counts as present, also when this machine has none.
cuda='["virtual"].get("__cuda")'
[ "$(field "$cuda" --base none --cuda 11.3 --conda cudatoolkit)" = 11.3 ] || fail "--cuda 11.3 gives no __cuda"
# The target's driver decides __cuda, and --virtual overrides it. A GPU that newer drivers dropped gets the CUDA of its
# last driver.
cuda_is() { [ "$(field "$cuda" --base none --conda zlib "${@:2}")" = "$1" ] || fail "${*:2}: not __cuda=$1"; }
cuda_is 12.2 --target-driver 535
cuda_is 11.2 --target-driver 460.27.03 --target-gpu 8.6
cuda_is 11.8 --target-driver 535 --virtual __cuda=11.8
cuda_is 11.4 --target-gpu 3.7
cuda_is 13.0 --target-gpu 8.6

# The default base is used with a conda solve, but not with a list of exact packages.
base='.get("base", {}).get("kind")'
[ "$(field "$base" --conda zlib)" = miniforge ] || fail "no default base: $(field "$base" --conda zlib)"
[ "$(field "$base" --conda zlib=1.2.11=ha838bed_2)" = None ] || fail "a base for an exact list"
[ "$(field "$base" --base none --conda zlib)" = None ] || fail "--base none"
