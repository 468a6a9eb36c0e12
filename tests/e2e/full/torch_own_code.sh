#!/usr/bin/env bash
# What torch's libraries say that they were compiled for, read beside their fatbins, is what torch itself says: the text
# of torch.cuda.get_arch_list() in its Python module. What a build says begins there. Some 3 GB of wheels, one at a time.
. "$(dirname "$0")/../common.inc"
python=$(find_python) || skip "no Python 3.10 to 3.13 with pip"
[ "$(uname -m)" = x86_64 ] || skip "the wheels are for x86-64"
cd "$work"
compared=0
for wanted in "3.8 1.11.0 sm_37" "3.8 1.13.1 sm_37" "3.8 2.4.1 sm_50" "3.11 2.15.0 sm_75"; do
    read -r version torch first <<<"$wanted"
    rm -rf wheel unpacked
    env -u PIP_FIND_LINKS "$python" -m pip download -q --no-deps --only-binary :all: --python-version "$version" \
        --platform manylinux1_x86_64 --platform manylinux_2_28_x86_64 -d wheel "torch==$torch" >pip.log 2>&1 ||
        { echo "not to be had: torch $torch: $(tail -n 1 pip.log)"; continue; }
    "$build/list_gpu_needs" wheel/*.whl >needs.json
    python3 -m zipfile -e wheel/*.whl unpacked
    nice "$build/list_fatbins" unpacked/torch/lib/libtorch_cuda*.so >fatbins.json
    python3 - "$first" <<'EOF'
import json, re, sys
module = open("unpacked/torch/lib/libtorch_python.so", "rb").read()
itself = re.search(rb"\0((?:(?:sm|compute)_\d+[af]? ?){2,})\0", module).group(1).decode().split()
words = [line["compiled_for"] for line in map(json.loads, open("fatbins.json")) if "compiled_for" in line]
assert len(words) == 1 and set(words[0]) == set(itself), (words, itself)
code, = [line for line in json.load(open("needs.json"))["lines"] if line.startswith("GPU code")]
assert code.split()[2] == sys.argv[1] == itself[0], (code, itself)
print("torch says", *itself)
EOF
    compared=$((compared + 1))
done
[ "$compared" -gt 0 ] || skip "no wheel could be had"
