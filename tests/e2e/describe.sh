#!/usr/bin/env bash
# --describe: what this machine is and what a prefix holds, in a document that fits its schema and names nobody.
. "$(dirname "$0")/common.inc"
small_wheels
tools=$("$root/scripts/test-venv") || exit 77 # it prints the reason
cd "$work"
make_run any.run six==1.17.0

# fits FILE: it is what the published schema says.
fits() {
    "$tools/bin/python" "$root/tests/tools/check_report.py" "$root/docs/inside/machine.schema.json" "$1" ||
        { cat "$1"; fail "$1 is not what the schema says"; }
}
# about EXPRESSION FILE: a fact about the document `m`.
about() { python3 -c "import json, sys; m = json.load(open(sys.argv[1])); assert $1, m" "$2" || fail "$2: not $1"; }

# The same machine, whoever describes it.
sh any.run --describe >run.json
"$tinderbox" doctor --describe >doctor.json
fits run.json
fits doctor.json
[ "$(wc -l <run.json)" = 1 ] && [ "$(wc -c <run.json)" -le 2953 ] || fail "the document is no line for a QR code"
about "m['processor']['threads'] == $(nproc --all) or m['processor']['threads'] > 0" run.json
about "m['processor']['architecture'] == '$(uname -m)' and m['kernel'] == '$(uname -r)'" run.json
about "m['place']['free_bytes'] > 0 and 'installed' not in m and 'host' not in m" run.json
python3 - <<'END'
import json
a, b = (json.load(open(name)) for name in ("run.json", "doctor.json"))
for one in (a, b): one.pop("place")
assert a == b, (a, b)
END
for word in "$(hostname)" "$work" "$HOME"; do
    ! grep -qF -- "$word" run.json doctor.json || fail "'$word' is in a description"
done

# A name only where it is asked for; another place; no home.
sh any.run --describe --with-host >host.json
"$tinderbox" doctor --describe --with-host -p "$work/not/there" >doctor-host.json
for file in host.json doctor-host.json; do
    fits $file
    about "m['host'] == '$(cat /proc/sys/kernel/hostname)'" $file
done
(unset HOME; sh any.run --describe) >homeless.json
about "'place' not in m" homeless.json

# What is installed, with and without the .run.
quietly sh any.run -b -p "$work/lab"
sh any.run --describe -p "$work/lab" >installed.json
"$work/lab/.tinderbox/stub" --describe -p "$work/lab" >stub.json
cmp <(python3 -c 'import json; print(json.load(open("installed.json"))["installed"])') \
    <(python3 -c 'import json; print(json.load(open("stub.json"))["installed"])') || fail "the stub describes another installation"
fits installed.json
about "m['installed']['stage'] == 'verified' and m['installed']['base'] == 'none'" installed.json
about "m['installed']['manifest_sha256'] == '$(sh any.run --info | sed -n 's/^ *manifest SHA-256 *//p')'" installed.json
about "m['installed']['files']['list_sha256'] == '$(sha256sum "$work/lab/.tinderbox/installed" | cut -d' ' -f1)'" installed.json
about "{'six': '1.17.0'}.items() <= {p['name']: p['version'] for p in m['installed']['packages']}.items()" installed.json
! grep -qF "$work" installed.json || fail "the prefix is in a description"
"$work/lab/.tinderbox/stub" --describe --files >files.json
fits files.json
python3 - "$work/lab" <<'END'
import hashlib, json, os, sys
files = json.load(open("files.json"))["installed"]["files"]
assert files["count"] == len(files["list"]) > 500, files["count"]
six = next(f for f in files["list"] if f["path"].endswith("/six.py"))
assert hashlib.sha256(open(os.path.join(sys.argv[1], six["path"]), "rb").read()).hexdigest() == six["sha256"], six
END

# doctor tells who describes an installation, and the machine's part of a document with one is taken by a build.
expect 0 "lab/.tinderbox/stub --describe also describes what is installed there" "$tinderbox" doctor --describe -p lab
expect 0 "six" "$tinderbox" build --python-from "$python" --no-pip --no-index --find-links "$links" --pip six==1.17.0 --plan --target files.json

# Mistakes, and an output that takes nothing.
expect 2 "--files: no prefix is named" sh any.run --describe --files
expect 2 "holds no environment of Tinderbox" sh any.run --describe --files -p "$work/nothing"
expect 2 "--files goes with --describe" sh any.run --list --files
expect 2 "--with-host goes with --describe" sh any.run --check --with-host
expect 2 "cannot be combined" sh any.run --describe --check
expect 2 "excludes" "$tinderbox" doctor any.run --describe
expect 2 "requires" "$tinderbox" doctor --with-host
expect 5 "No space left on device" bash -c 'sh any.run --describe >/dev/full'
expect 5 "No space left on device" bash -c '"$0" doctor --describe >/dev/full' "$tinderbox"
echo "damaged" >"$work/lab/.tinderbox/state"
expect 5 "is damaged" sh any.run --describe -p "$work/lab"
