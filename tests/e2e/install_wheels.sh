#!/usr/bin/env bash
# The whole path with real wheels: build twice with the same bytes, verify, install offline into a path with a space and
# into a long one, and compare each file with pip's installation of the same wheels.
. "$(dirname "$0")/common.inc"
small_wheels

cat >"$work/requirements.txt" <<END
six==1.17.0
Pygments==2.19.2
markupsafe==3.0.3   # compiled
numpy==2.2.6
PyYAML==6.0.3; python_version >= "3"
no-such-thing==1.0; sys_platform == "win32"
END
make() { "$tinderbox" build "$work/requirements.txt" --python-from "$python" --no-pip --no-index --find-links "$links" "$@"; }
make -o "$work/lab.run"
expect 5 "no-such-directory" make -o "$work/no-such-directory/lab.run"
# Another directory, time zone and locale, one thread, an empty cache: the same bytes.
mkdir "$work/second"
(cd / && TINDERBOX_CACHE=$work/cache TZ=Asia/Tokyo LC_ALL=C make --jobs 1 -o "$work/second/lab.run")
cmp "$work/lab.run" "$work/second/lab.run" || fail "two builds of one request differ"
(cd "$work" && sha256sum -c lab.run.sha256)
"$tinderbox" verify "$work/lab.run"
"$tinderbox" inspect "$work/lab.run" --json >"$work/manifest.json"

for prefix in "$work/with a space" "$work/$(printf 'long-directory-name/%.0s' 1 2 3 4 5 6 7 8 9)env"; do
    status=0
    "${offline[@]}" sh "$work/lab.run" -b -p "$prefix" >"$work/log" 2>&1 || status=$?
    [ "$status" = 0 ] || { cat "$work/log"; fail "installing ended with $status"; }
    env -i HOME="$HOME" "$prefix/bin/python" -c '
import numpy, six, yaml, markupsafe, markupsafe._speedups, pygments, ssl, sqlite3, sys
assert numpy.arange(6).reshape(2, 3).sum() == 15
assert sys.prefix == sys.argv[1], sys.prefix
import importlib.metadata as m
assert m.version("numpy") == "2.2.6"
assert m.distribution("numpy").read_text("REQUESTED") is not None
' "$prefix"
    # An entry point runs with the environment's interpreter, from any directory.
    (cd / && echo 'print(1)' | env -i PATH=/usr/bin:/bin "$prefix/bin/pygmentize" -l python >/dev/null)
    env -i HOME="$HOME" PATH=/usr/bin:/bin sh -c '. "$1/bin/activate" && [ "$(command -v python)" = "$1/bin/python" ]' _ "$prefix"
done

# pip's installation of the same wheels, in a virtual environment of the same interpreter.
"$python" -m venv --without-pip "$work/venv"
env -u PIP_FIND_LINKS -u PYTHONDONTWRITEBYTECODE "$python" -m pip --python "$work/venv/bin/python" install -q --no-index --no-deps --find-links "$links" \
    six pygments markupsafe numpy pyyaml 2>"$work/pip.log" || { cat "$work/pip.log"; fail "pip cannot install the wheels"; }
"$python" "$root/tests/tools/compare_with_pip.py" "$work/venv" "$work/with a space"

# A prefix in use is refused.
expect 5 "exists" sh "$work/lab.run" -b -p "$work"
echo "install_wheels: built twice, installed twice, compared with pip"
