#!/usr/bin/env bash
# Mistakes of users: each gives one sentence and the documented exit code, and leaves no file.
. "$(dirname "$0")/common.inc"
small_wheels
cd "$work"
build() { "$tinderbox" build --no-index --find-links "$links" -o out.run "$@"; }
from=(--python-from "$python")

expect 2 "requirements.txt" build requirements.txt "${from[@]}"
printf 'six==1.17.0\n' >r.txt
# Without a Python in the request conda provides it.
mkdir -p empty/noarch && echo '{"packages":{}}' >empty/noarch/repodata.json
expect 9 "(which names no Python) asks for python" build r.txt --channel ./empty
expect 2 "--base minicanda" build r.txt "${from[@]}" --base minicanda
expect 2 "--jobs: '1e99' is not a number that fits" build r.txt "${from[@]}" --jobs 1e99
expect 2 "/nonexistent/python" build r.txt --python-from /nonexistent/python
printf 'six==1.17.0\n' >r.txt
expect 3 "--target-glibc 2.4" build r.txt "${from[@]}" --target-glibc 2.4
[ ! -e out.run ] || fail "a failed build left out.run"
printf 'no-such-package\n' >r.txt
expect 9 "r.txt:1 asks for no-such-package, but there is no project" build r.txt "${from[@]}"
printf 'six>=99\n' >r.txt
expect 9 "r.txt:1 asks for six>=99, but there is none" build r.txt "${from[@]}"
printf 'six>1\n' >r.txt
expect 2 "index strategy" build r.txt "${from[@]}" --index-strategy guess
printf 'six==1.17.0\nsix==1.16.0\n' >r.txt
expect 2 "r.txt:2" build r.txt "${from[@]}"
printf 'six==1.17.0\n--no-such-option\n' >r.txt
expect 2 "r.txt:2" build r.txt "${from[@]}"
printf 'six==1.17.0 --hash=sha256:%064d\n' 0 >r.txt
expect 2 "six-1.17.0-py2.py3-none-any.whl: the SHA-256 is" build r.txt "${from[@]}"
printf '\xef\xbb\xbfsix==1.17.0\r\n' >r.txt
build r.txt "${from[@]}" >out 2>&1 || { cat out; fail "BOM and CRLF are refused"; }
rm -f out.run out.run.sha256

# Requirements of a chosen wheel are resolved; if that fails, the reason names both lines.
mkdir -p deps/old
cat >deps.py <<'END'
import zipfile
for name, version, needs in ("needy", "1.0", "Requires-Dist: six>=1.10\n"), ("old/six", "1.5", ""):
    path, base = f"deps/{name}-{version}-py3-none-any.whl", name.split("/")[-1]
    with zipfile.ZipFile(path, "w") as z:
        z.writestr(f"{base}.py", "x = 1\n")
        z.writestr(f"{base}-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {base}\nVersion: {version}\n{needs}")
        z.writestr(f"{base}-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        z.writestr(f"{base}-{version}.dist-info/RECORD", "".join(f"{f},,\n" for f in z.namelist()) + f"{base}-{version}.dist-info/RECORD,,\n")
END
python3 deps.py
printf 'needy==1.0\n' >r.txt
expect 0 "needy 1.0 requires six>=1.10" "$tinderbox" build r.txt "${from[@]}" --no-index --find-links deps --find-links "$links" --plan
printf 'needy==1.0\nsix<1.10\n' >r.txt
expect 9 "needy 1.0 requires six>=1.10" "$tinderbox" build r.txt "${from[@]}" --no-index --find-links deps --find-links deps/old --find-links "$links" -o out.run
expect 9 "there is no project 'six'" "$tinderbox" build --pip needy "${from[@]}" --no-index --find-links deps -o out.run
[ ! -e out.run ] || fail "a failed build left out.run"
