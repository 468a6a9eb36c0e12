#!/usr/bin/env bash
# An environment without Python: from a list, a channel, a file, each lock, a construct.yaml and a prefix. Wheels need one.
. "$(dirname "$0")/common.inc"
cd "$work"
mkdir -p channel/linux-64 channel/noarch
cat >make.py <<'PY'
import hashlib, json, pathlib
from raw_conda_package import package

package("tool", {"bin/tool": pathlib.Path("/bin/echo").read_bytes(), "bin/wrapper": b"#!/bin/sh\nexec tool from-a-script\n"})
archive = pathlib.Path("tool-1.0-0.tar.bz2").rename("channel/linux-64/tool-1.0-0.tar.bz2").read_bytes()
row = {"name": "tool", "version": "1.0", "build": "0", "build_number": 0, "depends": [], "subdir": "linux-64",
       "sha256": hashlib.sha256(archive).hexdigest(), "size": len(archive)}
for subdir, packages in (("linux-64", {"tool-1.0-0.tar.bz2": row}), ("noarch", {})):
    pathlib.Path(f"channel/{subdir}/repodata.json").write_text(json.dumps({"packages": packages, "packages.conda": {}}))
PY
PYTHONPATH=$root/tests/fixtures python3 make.py
channel=file://$work/channel
package=$channel/linux-64/tool-1.0-0.tar.bz2
printf '@EXPLICIT\n%s\n' "$package" >list.txt
printf 'name: env\nchannels: [%s]\ndependencies: [tool]\n' "$channel" >environment.yml
printf 'name: env\nversion: 1\nchannels: [%s]\nspecs: [tool]\n' "$channel" >construct.yaml
cat >pixi.lock <<LOCK
version: 6
environments: {default: {channels: [{url: $channel/}], packages: {linux-64: [{conda: $package}]}}}
packages: [{conda: $package, sha256: $(sha256sum <channel/linux-64/tool-1.0-0.tar.bz2 | cut -d ' ' -f 1)}]
LOCK
for format in tinderbox conda-lock; do
    quietly "$tinderbox" lock environment.yml --base none --format $format -o $format.lock
done
for spec in list.txt environment.yml construct.yaml pixi.lock tinderbox.lock conda-lock.lock; do
    quietly "$tinderbox" build $spec --name env --base none -o $spec.run
    sh $spec.run --json -b -p "$work/$spec.prefix" >report.json 2>log || { cat log; fail "$spec: not installed"; }
    [ "$(PATH=$work/$spec.prefix/bin:$PATH wrapper)" = from-a-script ] || fail "$spec: the programs do not run"
    grep -q '"files": \[' "$spec.prefix/conda-meta/tool-1.0-0.json" || fail "$spec: conda has no record"
done
# One tree, but for the names of prefix and request.
diff -r -x .tinderbox -x history -x tool-1.0-0.json -x 'activate*' list.txt.prefix pixi.lock.prefix || fail "two requests, two trees"
expect 0 'Python            none' sh list.txt.run --info
expect 0 'as they were installed' list.txt.prefix/.tinderbox/stub --integrity -p "$work/list.txt.prefix"
! grep -q import log || fail "imports without a Python: $(cat log)"

quietly "$tinderbox" build --from-prefix "$work/list.txt.prefix" --name env -o captured.run
quietly "${offline[@]}" sh captured.run -b -p "$work/captured"
cmp captured/bin/tool /bin/echo || fail "the captured program"
quietly sh captured.run -b --uninstall -p "$work/captured"

expect 2 'wheels need a Python' "$tinderbox" build list.txt --pip six --no-index -o no.run
[ ! -e no.run ] || fail "a failed build left its file"
