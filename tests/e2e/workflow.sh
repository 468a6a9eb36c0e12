#!/usr/bin/env bash
# The workflow of the README: a Miniconda-shaped base by URL, python and cudatoolkit from conda, torch with a +cu113 wheel from an
# extra index, one file, installed where there is no network, activated, tested, removed. CPython is real (repackaged from the
# interpreter at hand), in the environment and in the base; cudatoolkit, torch and torchvision are stand-ins under their own
# names, because the real ones are gigabytes.
. "$(dirname "$0")/common.inc"
conda_channel
version=$(sed -n 's|.*/python-\([0-9.]*\)-.*cpython.*|\1|p' "$channel/explicit-cpython.txt" | head -n 1)
[ -n "$version" ] || skip "no CPython in $channel"
minor=${version%.*}

"$python" - "$channel" "$work" "${minor/./}" <<'EOF'
import base64, hashlib, io, json, pathlib, sys, tarfile, zipfile
channel, work, cp = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), "cp" + sys.argv[3]
out = work / "channel"
for subdir in ("linux-64", "noarch"):
    (out / subdir).mkdir(parents=True)
def package(name, version, build, depends=(), constrains=(), files=()):
    index = {"name": name, "version": version, "build": build, "build_number": 0, "depends": list(depends), "constrains": list(constrains), "subdir": "linux-64", "arch": "x86_64", "platform": "linux"}
    paths = {"paths_version": 1, "paths": [{"_path": p, "path_type": "hardlink", "sha256": hashlib.sha256(d).hexdigest(), "size_in_bytes": len(d)} for p, d in files]}
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:bz2") as tar:
        for path, content in [("info/index.json", json.dumps(index).encode()), ("info/paths.json", json.dumps(paths).encode()), *files]:
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    fn = f"{name}-{version}-{build}.tar.bz2"
    (out / "linux-64" / fn).write_bytes(data.getvalue())
    return fn, dict(index, md5=hashlib.md5(data.getvalue()).hexdigest(), sha256=hashlib.sha256(data.getvalue()).hexdigest(), size=len(data.getvalue()))
rows, modern = {}, {}
for version in ("10.2.89", "11.3.1", "11.8.0"):
    fn, row = package("cudatoolkit", version, "h0_0", ["__glibc >=2.17"], [f"__cuda >={version.split('.')[0]}"], [(f"lib/libcudart.so.{version}.txt", version.encode())])
    rows[fn] = row
# The real CPython package, listed with what it needs of the small set.
for line in (channel / "explicit-cpython.txt").read_text().splitlines():
    name = line.split("#")[0].rsplit("/", 1)[-1]
    if name.startswith("python-") and "cpython" in name:
        source = next(channel.glob(f"*/{name}"))
        blob = source.read_bytes()
        (out / "linux-64" / name).write_bytes(blob)
        stem = name.removesuffix(".conda").removesuffix(".tar.bz2")
        n, v, b = stem.rsplit("-", 2)
        (modern if name.endswith(".conda") else rows)[name] = {"name": n, "version": v, "build": b, "build_number": 0, "depends": [], "sha256": hashlib.sha256(blob).hexdigest(), "size": len(blob)}
(out / "linux-64" / "repodata.json").write_text(json.dumps({"info": {"subdir": "linux-64"}, "packages": rows, "packages.conda": modern}))
(out / "noarch" / "repodata.json").write_text(json.dumps({"info": {"subdir": "noarch"}, "packages": {}}))
def wheel(directory, name, version, requires=(), tag=f"{cp}-{cp}-linux_x86_64"):
    directory.mkdir(exist_ok=True)
    base = f"{name}-{version}"
    files = {f"{name}/__init__.py": f"__version__ = '{version}'\n", f"{base}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(f"Requires-Dist: {r}\n" for r in requires),
             f"{base}.dist-info/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: {tag}\n"}
    record = "".join(f"{p},sha256={base64.urlsafe_b64encode(hashlib.sha256(c.encode()).digest()).rstrip(b'=').decode()},{len(c.encode())}\n" for p, c in files.items())
    files[f"{base}.dist-info/RECORD"] = record + f"{base}.dist-info/RECORD,,\n"
    with zipfile.ZipFile(directory / f"{base}-{tag}.whl", "w", zipfile.ZIP_DEFLATED) as z:
        for path, content in files.items():
            z.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), content)
cu, index = work / "cu113", work / "index"
wheel(cu, "torch", "1.12.1+cu113", ["typing_extensions"])
wheel(cu, "torch", "1.12.0+cu113", ["typing_extensions"])
wheel(cu, "torchvision", "0.13.1+cu113", ["torch==1.12.1", "numpy"])
wheel(index, "torch", "2.9.0", ["typing_extensions"], "py3-none-any")
wheel(index, "typing_extensions", "4.12.2", (), "py3-none-any")
wheel(index, "numpy", "1.26.4", (), "py3-none-any")
EOF
index() { # DIRECTORY FILE: ends with this script
    exec 7> >(exec "$python" "$root/tests/tools/simple_index.py" "$1" >"$2" 2>"$work/server.log")
    for _ in $(seq 100); do [ -s "$2" ] && return; sleep 0.1; done
    fail "no server"
}
index "$work/cu113" "$work/port.cu"
exec 8>&7
index "$work/index" "$work/port.index"
cu=http://127.0.0.1:$(cat "$work/port.cu")/simple index=http://127.0.0.1:$(cat "$work/port.index")/simple
export PIP_CONFIG_FILE=/dev/null
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL

cat >"$work/environment.yml" <<EOF
name: ml-dev
channels: [file://$work/channel]
dependencies:
  - python=$minor
  - cudatoolkit=11.3
  - pip:
    - --index-url $index
    - --extra-index-url $cu
    - torch==1.12.1+cu113
    - torchvision
variables:
  PAPER: "2022"
EOF
cd "$work"
"$tinderbox" build environment.yml --plan --json >plan.json 2>plan.err || { cat plan.err; fail "plan"; }
"$python" - <<'EOF' || fail "the plan"
import json
lock = json.load(open("plan.json"))["lock"]
have = {a["name"]: a["version"] for a in lock["artifacts"]}
assert have["cudatoolkit"] == "11.3.1" and have["torch"] == "1.12.1+cu113" and have["torchvision"] == "0.13.1+cu113" and have["numpy"] == "1.26.4", have
assert lock["virtual"]["__cuda"] == "11.3" and lock["base"]["kind"] == "miniforge", lock
EOF
grep -q 'unused-cudatoolkit' plan.err || { cat plan.err; fail "the lint is silent"; }
# The base's installer is shaped as today's Miniconda, holds a real CPython, and is fetched from a server.
quietly "$python" "$root/tests/fixtures/make_installers.py" "$channel" www --eras D --packages "python-$version-tinder_0_cpython" tinder-text-1.0-0 \
    tinder-noarch-0.3-pyh0_2 tinder-links-1.0-0 tinder-post-2.0-h1_7
serve www
base=http://127.0.0.1:$port/Labconda-D.sh
"$tinderbox" lock environment.yml --base "$base" -o ml-dev.lock 2>err || { cat err; fail "lock"; }
quietly "$tinderbox" build ml-dev.lock -o ml-dev.run
unserve

# 10: installed, and the stand-in for torch is no torch.
prefix=$HOME/miniconda3 environment=$HOME/miniconda3/envs/ml-dev
status=0
"${offline[@]}" sh ml-dev.run -b -p "$prefix" --no-gpu >install.log 2>&1 || status=$?
[ "$status" = 10 ] || { cat install.log; fail "install: $status"; }
grep -q "torch" install.log || { cat install.log; fail "the stand-in for torch passed for torch"; }
[ "$("$environment/bin/python" -c 'import sys, torch, torchvision; print(torch.__version__, torchvision.__version__, sys.prefix)')" = \
    "1.12.1+cu113 0.13.1+cu113 $environment" ] || fail "torch"
[ -e "$environment/lib/libcudart.so.11.3.1.txt" ] && [ ! -e "$prefix/lib/libcudart.so.11.3.1.txt" ] || fail "cudatoolkit"
"$prefix/bin/python" -c 'import sys, tinder_noarch; assert sys.prefix == sys.argv[1]' "$prefix" || fail "the base's Python"
! "$prefix/bin/python" -c 'import torch' 2>/dev/null || fail "torch lies in the base"
sort "$HOME/.conda/environments.txt" | diff - <(printf '%s\n%s\n' "$prefix" "$environment") || fail "environments.txt"

# Activated: by its own script, by py-rattler's reading of the prefix (what `conda activate ml-dev` evaluates), and by conda's
# own code where there is a checkout of it.
seen='command -v python; printf "%s\n" "$CONDA_PREFIX" "$PAPER"; python -c "import torch; print(torch.__version__)"'
printf '%s\n' "$environment/bin/python" "$environment" 2022 1.12.1+cu113 >wanted
activated() { # NAME FILE: a script that activates
    bash --norc -euo pipefail -c ". '$2'; $seen" >activated 2>err || { cat err; fail "activating: $1"; }
    diff wanted activated || fail "activated by $1"
}
activated "its own script" "$environment/bin/activate"
"$python" - "$environment" >by-rattler <<'PY'
import pathlib, sys
from rattler.shell import ActivationVariables, Shell, activate
print(activate(pathlib.Path(sys.argv[1]), ActivationVariables(), Shell.bash).script)
PY
activated py-rattler by-rattler
if [ -n "${TINDERBOX_CONDA_SOURCE:-}" ]; then
    PYTHONPATH=$TINDERBOX_CONDA_SOURCE "${TINDERBOX_CONDA_PYTHON:-$python}" -m conda shell.posix activate "$environment" >by-conda 2>err || { cat err; fail "conda's activator"; }
    activated conda by-conda
fi
quietly sh ml-dev.run -b --uninstall -p "$prefix"
[ ! -e "$environment/bin" ] && [ ! -e "$prefix/bin" ] && ! grep -q . "$HOME/.conda/environments.txt" || fail "--uninstall"

# The same from the command line; a newer CUDA than any wheel is made for; what cannot be together.
export TINDERBOX_CUDA_INDEX_URL=$cu # nothing is there; the index of the command line has it
"$tinderbox" build --plan --json --base none --python "$minor" --cuda 11.3 --channel "$work/channel" --pip 'torch==1.12.1+cu113' --index-url "$index" --extra-index-url "$cu" --name x >cli.json 2>err || { cat err; fail "--python --cuda"; }
grep -q '"cudatoolkit"' cli.json && grep -q '1.12.1+cu113' cli.json || fail "--cuda"
expect 2 "no index with wheels for it is known" "$tinderbox" build --plan --base none --python "$minor" --cuda 9.9 --channel "$work/channel" --pip torch --name x
expect 9 "asks for cudatoolkit=11.3" "$tinderbox" build environment.yml --plan --base none --virtual __cuda=10.2
# A bare requirements.txt gets conda's Python.
printf -- '--index-url %s\ntyping_extensions\n' "$index" >requirements.txt
"$tinderbox" build requirements.txt --plan --json --channel "$work/channel" --name x >bare.json 2>err || { cat err; fail "a bare requirements.txt"; }
grep -q "\"version\": *\"$version\"" bare.json && grep -q miniforge bare.json || fail "no Python for a bare requirements.txt"
echo "workflow: solved, locked, built with a base from a server, installed offline, activated, removed"
