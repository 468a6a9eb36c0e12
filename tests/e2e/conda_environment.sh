#!/usr/bin/env bash
# An environment.yml of exact conda entries from a channel, with a pip section.
. "$(dirname "$0")/common.inc"
conda_channel
cd "$work"
"$python" - <<'PY'
import zipfile
with zipfile.ZipFile("tinder_wheel-1.0-py3-none-any.whl", "w") as z:
    info = "tinder_wheel-1.0.dist-info"
    z.writestr("tinder_wheel.py", "import tinder_noarch\n\n\ndef main():\n    print('wheel on', tinder_noarch.App.run())\n")
    z.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinder-wheel\nVersion: 1.0\n")
    z.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    z.writestr(f"{info}/entry_points.txt", "[console_scripts]\ntinder-wheel = tinder_wheel:main\n")
    z.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in
               ["tinder_wheel.py", *(f"{info}/{n}" for n in ("METADATA", "WHEEL", "entry_points.txt", "RECORD"))]))
PY
version=$("$python" -c 'import platform; print(platform.python_version())')
cat >environment.yml <<YML
name: mixed
channels: [file://$channel]
dependencies:
  - python=$version=tinder_0_cpython
  - tinder-text=1.0=0
  - tinder-noarch=0.3=pyh0_2
  - pip:
      - tinder-wheel==1.0
variables: {TINDER_VALUE: "1"}
YML
build() { "$tinderbox" build "$@" --no-index --find-links "$work"; }
quietly build environment.yml -o mixed.run
quietly "${offline[@]}" sh mixed.run -b -p "$work/mixed"
[ "$(env -i mixed/bin/tinder-wheel)" = "wheel on 3" ] || fail "the wheel on conda packages"
grep -q '"md5"' mixed/conda-meta/tinder-text-*.json || fail "repodata's md5 is not in the record"
sed 's/tinder-text=1.0=0/tinder-text=1.0=no_such_build/' environment.yml >wrong.yml
expect 9 "wrong.yml:5 asks for tinder-text=1.0=no_such_build" build wrong.yml -o w.run
[ ! -e w.run ] || fail "a failed build left its file"
