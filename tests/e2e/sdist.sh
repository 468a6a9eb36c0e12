#!/usr/bin/env bash
# --allow-sdist: the environment's own Python builds a wheel of a source archive; a lock records it and builds it again
# elsewhere.
. "$(dirname "$0")/common.inc"
python=$(find_python) || skip "no Python 3.10 to 3.13 with pip"
"$python" -c 'import ensurepip, venv' 2>/dev/null || skip "no venv with ensurepip"
cd "$work"
export TINDERBOX_CACHE=$work/cache
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE

"$python" "$root/tests/fixtures/make_sdists.py" "$work/links"
common=(--python-from "$python" --no-pip --no-index --find-links "$work/links")

expect 9 "--allow-sdist" "$tinderbox" lock --pip dynamic "${common[@]}" -o x.lock
command -v cc >/dev/null && "$python" -c 'import sysconfig, os, sys; sys.exit(not os.path.exists(sysconfig.get_paths()["include"] + "/Python.h"))' ||
    skip "no C compiler with Python's headers"
"$tinderbox" lock --pip dynamic "${common[@]}" --allow-sdist -o a.lock >log 2>&1 || { cat log; fail "no wheel was made"; }
grep -q '"built_from"' a.lock || fail "the lock does not say what the wheels were made of"
"$tinderbox" build a.lock --level fast -o a.run >log 2>&1 || { cat log; fail "the lock cannot be built"; }
grep -q "building" log && fail "a wheel was made twice on one machine"
sh a.run -b -p "$work/env" >log 2>&1 || { cat log; fail "installing failed"; }
"$work/env/bin/python" -c 'import plain, dynamic, native, sys; assert plain.made_by == sys.version_info[:2]' || fail "what was built does not work"
# Without the cache the same wheels are built again; a wheel with another hash than the lock's is an error.
rm -r "$work/cache/built"
mkdir b
quietly "$tinderbox" build a.lock --level fast -o b/a.run
grep -q "building" log || { cat log; fail "the wheels were not made again"; }
cmp a.run b/a.run || fail "the same wheels gave another installer"
quietly "$tinderbox" lock --pip plain "${common[@]}" --allow-sdist -o plain.lock
python3 - <<'END'
import json
lock = json.load(open("plain.lock"))
lock["artifacts"][0]["sha256"] = "0" * 64
json.dump(lock, open("other.lock", "w"))
END
rm -r "$work/cache/built"
expect 2 "lock again" "$tinderbox" build other.lock --level fast -o x.run
[ ! -e x.run ] || fail "a failed build left its file"
expect 9 "compiler of 1987 not found" "$tinderbox" lock --pip broken "${common[@]}" --allow-sdist
# A path to an archive, and pip's own option for it.
"$tinderbox" lock --pip "$work/links/plain-1.0.tar.gz" "${common[@]}" --allow-sdist -o p.lock >log 2>&1 || { cat log; fail "a path to an archive"; }
printf -- '--no-binary :all:\nplain\n' >r.txt
"$tinderbox" lock r.txt "${common[@]}" --allow-sdist -o p.lock >log 2>&1 || { cat log; fail "--no-binary with --allow-sdist"; }
expect 2 "--allow-sdist" "$tinderbox" lock r.txt "${common[@]}"
printf -- '--only-binary plain\nplain\n' >r.txt
expect 9 "only a source archive" "$tinderbox" lock r.txt "${common[@]}" --allow-sdist
echo "sdist: static and dynamic metadata, a compiled module, from the lock, a build that fails"
