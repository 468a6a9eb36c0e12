#!/usr/bin/env bash
# --allow-sdist: a wheel made of a source archive by the environment's own Python, locked, and made again elsewhere.
. "$(dirname "$0")/common.inc"
python=$(find_python) || skip "no Python 3.10 to 3.13 with pip"
"$python" -c 'import ensurepip, venv' 2>/dev/null || skip "no venv with ensurepip"
cd "$work"
export TINDERBOX_CACHE=$work/cache
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE

# Archives with a backend of their own, so that nothing is downloaded. "plain" says its metadata (PEP 643), "dynamic"
# only when built, "native" compiles, "broken" fails.
"$python" - "$work/links" <<'END'
import io, sys, tarfile, pathlib
links = pathlib.Path(sys.argv[1])
links.mkdir()
BACKEND = '''
import base64, hashlib, os, subprocess, sys, sysconfig, zipfile
NAME, REQUIRES, KIND = %r, %r, %r
def get_requires_for_build_wheel(config_settings=None): return []
def build_wheel(directory, config_settings=None, metadata_directory=None):
    if KIND == "broken": sys.exit("compiler of 1987 not found")
    files = {f"{NAME}.py": f"made_by = {sys.version_info[:2]!r}\\n".encode()}
    tag = "py3-none-any"
    if KIND == "native":
        open("native.c", "w").write('#include <Python.h>\\nstatic struct PyModuleDef m = {PyModuleDef_HEAD_INIT, "native", 0, -1, 0};\\n'
                                    'PyMODINIT_FUNC PyInit_native(void) { return PyModule_Create(&m); }\\n')
        subprocess.check_call(["cc", "-shared", "-fPIC", "-I" + sysconfig.get_paths()["include"], "native.c", "-o", "native.so"])
        files = {"native" + sysconfig.get_config_var("EXT_SUFFIX"): open("native.so", "rb").read()}
        tag = f"cp{sys.version_info[0]}{sys.version_info[1]}-cp{sys.version_info[0]}{sys.version_info[1]}-linux_" + os.uname().machine
    info = f"{NAME}-1.0.dist-info"
    files[f"{info}/METADATA"] = (f"Metadata-Version: 2.1\\nName: {NAME}\\nVersion: 1.0\\n" + "".join(f"Requires-Dist: {r}\\n" for r in REQUIRES)).encode()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: {'false' if KIND == 'native' else 'true'}\\nTag: {tag}\\n".encode()
    def row(path, data):
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        return f"{path},sha256={digest},{len(data)}\\n"
    files[f"{info}/RECORD"] = ("".join(row(*item) for item in files.items()) + f"{info}/RECORD,,\\n").encode()
    name = f"{NAME}-1.0-{tag}.whl"
    with zipfile.ZipFile(os.path.join(directory, name), "w") as z:
        for path, data in files.items():
            z.writestr(zipfile.ZipInfo(path), data)
    return name
'''
for name, requires, kind, metadata in (("plain", [], "plain", "2.2"), ("dynamic", ["plain>=1", "native"], "dynamic", "2.1"),
                                       ("native", [], "native", "2.2"), ("broken", [], "broken", "2.1")):
    with tarfile.open(links / f"{name}-1.0.tar.gz", "w:gz") as tar:
        for path, text in (("PKG-INFO", f"Metadata-Version: {metadata}\nName: {name}\nVersion: 1.0\n"),
                           ("pyproject.toml", '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'),
                           ("backend.py", BACKEND % (name, requires, kind))):
            data = text.encode()
            info = tarfile.TarInfo(f"{name}-1.0/{path}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
END
common=(--python-from "$python" --no-index --find-links "$work/links")

expect 9 "--allow-sdist" "$tinderbox" lock --pip dynamic "${common[@]}" -o x.lock
command -v cc >/dev/null && "$python" -c 'import sysconfig, os, sys; sys.exit(not os.path.exists(sysconfig.get_paths()["include"] + "/Python.h"))' ||
    skip "no C compiler with Python's headers"
"$tinderbox" lock --pip dynamic "${common[@]}" --allow-sdist -o a.lock >log 2>&1 || { cat log; fail "no wheel was made"; }
grep -q '"built_from"' a.lock || fail "the lock does not say what the wheels were made of"
"$tinderbox" build a.lock --level fast -o a.run >log 2>&1 || { cat log; fail "the lock cannot be built"; }
grep -q "building" log && fail "a wheel was made twice on one machine"
sh a.run -b -p "$work/env" >log 2>&1 || { cat log; fail "installing failed"; }
"$work/env/bin/python" -c 'import plain, dynamic, native, sys; assert plain.made_by == sys.version_info[:2]' || fail "what was built does not work"
# Without the wheels in the cache the same ones are made again, or it is said that they are others.
rm -r "$work/cache/built"
mkdir b
status=0
"$tinderbox" build a.lock --level fast -o b/a.run >log 2>&1 || status=$?
grep -q "building" log || { cat log; fail "the wheels were not made again"; }
case $status in 0) cmp a.run b/a.run || fail "the same wheels gave another installer" ;; 2) grep -q "lock again" log || { cat log; fail "no way out"; } ;; *) cat log; fail "exit $status" ;; esac
expect 9 "compiler of 1987 not found" "$tinderbox" lock --pip broken "${common[@]}" --allow-sdist
# A path, and pip's own word for it.
"$tinderbox" lock --pip "$work/links/plain-1.0.tar.gz" "${common[@]}" --allow-sdist -o p.lock >log 2>&1 || { cat log; fail "a path to an archive"; }
printf -- '--no-binary :all:\nplain\n' >r.txt
"$tinderbox" lock r.txt "${common[@]}" --allow-sdist -o p.lock >log 2>&1 || { cat log; fail "--no-binary with --allow-sdist"; }
expect 2 "--allow-sdist" "$tinderbox" lock r.txt "${common[@]}"
printf -- '--only-binary plain\nplain\n' >r.txt
expect 9 "only a source archive" "$tinderbox" lock r.txt "${common[@]}" --allow-sdist
echo "sdist: static and dynamic metadata, a compiled module, from the lock, a build that fails"
