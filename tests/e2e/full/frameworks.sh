#!/usr/bin/env bash
# The framework checks of jax, tensorflow and cupy with the real packages, each in its own environment, without a GPU.
# torch: scripts/demo --torch.
. "$(dirname "$0")/../common.inc"
python=$(find_python) || skip "no Python 3.10 to 3.13 with pip"
links=$TINDERBOX_CACHE/test-wheels/frameworks-full-$("$python" -c 'import sys; print("%d%d" % sys.version_info[:2])')
if [ ! -e "$links/.complete" ]; then
    mkdir -p "$links"
    for request in "jax==0.6.2 numpy==2.2.6" tensorflow-cpu==2.19.1 "cupy-cuda12x==13.6.0 numpy==2.2.6"; do
        # shellcheck disable=SC2086
        env -u PIP_FIND_LINKS "$python" -m pip download -q --only-binary :all: -d "$links" $request >"$work/pip.log" 2>&1 ||
            skip "the package index does not give $request: $(tail -n 1 "$work/pip.log")"
    done
    touch "$links/.complete"
fi

# verify NAME REQUIREMENT TEXT: builds, installs, and looks for TEXT in the sentence of the check of NAME.
verify() {
    "$tinderbox" build --pip "$2" --target-glibc 2.36 --python-from "$python" --no-index --find-links "$links" --level fast -o "$work/$1.run"
    sh "$work/$1.run" -b -p "$work/$1" --json >"$work/$1.json" || { cat "$work/$1.json"; fail "$1: installing ended with $?"; }
    "$python" - "$work/$1.json" "$1" "$3" <<'END'
import json, sys
report, name, text = sys.argv[1:]
check = next(c for c in json.load(open(report))["verification"]["checks"] if c["name"] == name)
print(f'{check["sentence"]} [{check["seconds"]:.1f} s]')
assert check["ok"] and text in check["sentence"], check
END
    rm -rf "${work:?}/$1" "$work/$1.run"
}
verify jax jax==0.6.2 "a sum on the CPU, jax.devices('gpu') is False; this jax is built without CUDA"
verify tensorflow tensorflow-cpu==2.19.1 "tf.config.list_physical_devices('GPU') is False, a sum on the CPU; this tensorflow is built without CUDA"
verify cupy cupy-cuda12x==13.6.0 "cupy.cuda.runtime.getDeviceCount() is False"
echo "frameworks: jax, tensorflow, cupy"
