#!/usr/bin/env bash
# The plan of the README's workflow: from an environment.yml, from the command line, from a bare requirements.txt.
. "$(dirname "$0")/workflow.inc"
"$tinderbox" build environment.yml --plan --json >plan.json 2>plan.err || { cat plan.err; fail "plan"; }
"$python" - <<'EOF' || fail "the plan"
import json
lock = json.load(open("plan.json"))["lock"]
have = {a["name"]: a["version"] for a in lock["artifacts"]}
assert have["cudatoolkit"] == "11.3.1" and have["torch"] == "1.12.1+cu113" and have["torchvision"] == "0.13.1+cu113" and have["numpy"] == "1.26.4", have
assert lock["virtual"]["__cuda"] == "11.3" and lock["base"]["kind"] == "miniforge", lock
EOF
grep -q 'unused-cudatoolkit' plan.err || { cat plan.err; fail "the lint is silent"; }

# The same from the command line; a CUDA for which no wheel exists; requirements that contradict each other.
export TINDERBOX_CUDA_INDEX_URL=$cu # that index is empty; --extra-index-url has the wheel
"$tinderbox" build --plan --json --base none --python "$minor" --cuda 11.3 --channel "$work/channel" --pip 'torch==1.12.1+cu113' --index-url "$index" --extra-index-url "$cu" --name x >cli.json 2>err || { cat err; fail "--python --cuda"; }
grep -q '"cudatoolkit"' cli.json && grep -q '1.12.1+cu113' cli.json || fail "--cuda"
expect 2 "no index with wheels for it is known" "$tinderbox" build --plan --base none --python "$minor" --cuda 9.9 --channel "$work/channel" --pip torch --name x
expect 9 "asks for cudatoolkit=11.3" "$tinderbox" build environment.yml --plan --base none --virtual __cuda=10.2
# A bare requirements.txt gets its Python from conda.
printf -- '--index-url %s\ntyping_extensions\n' "$index" >requirements.txt
"$tinderbox" build requirements.txt --plan --json --channel "$work/channel" --name x >bare.json 2>err || { cat err; fail "a bare requirements.txt"; }
grep -q "\"version\": *\"$version\"" bare.json && grep -q miniforge bare.json || fail "no Python for a bare requirements.txt"
