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
# Described machines decide more: what all of them have. A GPU or a driver beside them is one more machine.
machine() { # machine FILE GLIBC KERNEL LEVEL COMPUTE DRIVER
    printf '{"tinderbox_machine": 1, "libc": {"kind": "glibc", "version": "%s"}, "kernel": "%s", "processor": {"architecture": "x86_64", "level": %s},
        "gpus": [{"count": 1, "kernel_driver": "nvidia", "compute_capability": "%s"}], "driver": {"kind": "open", "version": "%s"}}' "${@:2}" >"$1"
}
machine new.json 2.39 6.8.0-45-generic 4 9.0 580.65.06
machine old.json 2.31 5.4.0-1 3 7.5 535.161.07
virtual_is() {
    local found
    found=$(field '["virtual"], lock["target_glibc"]' --base none --conda zlib "${@:2}")
    [ "$found" = "$1" ] || fail "${*:2}: $found instead of $1"
}
virtual_is "({'__archspec': '1=x86_64_v3', '__cuda': '12.2', '__cuda_arch': '7.5', '__glibc': '2.31', '__linux': '5.4.0', '__unix': '0'}, '2.31')" \
    --target new.json --target old.json
virtual_is "({'__archspec': '1=x86_64', '__cuda': '11.4', '__cuda_arch': '6.1', '__glibc': '2.17', '__linux': '6.8.0', '__unix': '0'}, '2.17')" \
    --target new.json --target-gpu 6.1 --target-driver 470 --target-glibc 2.17 --virtual __archspec=1=x86_64
echo '{"tinderbox_machine": 1, "processor": {"architecture": "x86_64"}}' >plain.json
virtual_is "({'__archspec': '1=x86_64', '__glibc': '2.28', '__linux': '4.18', '__unix': '0'}, '2.28')" --target plain.json
expect 9 "cudatoolkit" "${plan[@]}" --base none --conda cudatoolkit=11.3 --target plain.json --virtual __cuda=

# The default base is used with a conda solve, but not with a list of exact packages.
base='.get("base", {}).get("kind")'
[ "$(field "$base" --conda zlib)" = miniforge ] || fail "no default base: $(field "$base" --conda zlib)"
[ "$(field "$base" --conda zlib=1.2.11=ha838bed_2)" = None ] || fail "a base for an exact list"
[ "$(field "$base" --base none --conda zlib)" = None ] || fail "--base none"
