#!/usr/bin/env bash
# Conda packages, end to end: a real CPython with a long placeholder, noarch python packages, scripts, links, old formats.
# Built from files, from a server and from the cache; installed offline and compared with what py-rattler installs;
# mistakes; an environment.yml with a pip section; capture of the prefix that py-rattler made.
. "$(dirname "$0")/common.inc"
[ ${#work} -le 100 ] || skip "TMPDIR is too long: prefixes of 140 bytes are made below it"
conda_channel
fixture=$root/tests/fixtures
list=$channel/explicit-cpython.txt
cd "$work"

# ---- built from files -------------------------------------------------------------------------------------------------
# One line as a path, one below a name with a space: conda's record says the same of them as of a URL.
mkdir -p "a channel/linux-64"
cp "$channel/linux-64/tinder-links-1.0-0.conda" "a channel/linux-64"
sed "/tinder-text-1.0/s|^file://||; /tinder-links-1.0/s|^[^#]*|$work/a channel/linux-64/tinder-links-1.0-0.conda|" "$list" >mixed.txt
[ "$(grep -c '^/' mixed.txt)" = 2 ] || fail "the list with paths: $(cat mixed.txt)"
quietly "$tinderbox" build mixed.txt -o c.run

# ---- from a server, then from the cache -------------------------------------------------------------------------------
serve "$channel"
# A cache of its own, and the stub Python: what counts is where the bytes come from.
sed "s|file://$channel|http://127.0.0.1:$port|" "$channel/explicit.txt" >http.txt
served() { TINDERBOX_CACHE=$work/cache "$tinderbox" build "$@"; }
expect 8 "not in the cache" served http.txt -o h.run --offline
quietly served http.txt -o h.run
mkdir h2
sed '/text-1.0/s/#.*/#00000000000000000000000000000000/' http.txt >wrong.txt
expect 8 "tinder-text-1.0-0.conda" env TINDERBOX_CACHE="$work/cache2" "$tinderbox" build wrong.txt -o w.run
sed 's|/noarch/|/nowhere/|' http.txt >missing.txt
expect 8 "nowhere/tinder-noarch" env TINDERBOX_CACHE="$work/cache3" "$tinderbox" build missing.txt -o w.run
unserve
quietly served http.txt -o h2/h.run --offline
cmp h.run h2/h.run || fail "the build from the cache differs"
sed '/text-1.0/s/#.*/#00000000000000000000000000000000/' "$channel/explicit.txt" >wrong.txt
expect 2 "tinder-text-1.0-0.conda" "$tinderbox" build wrong.txt -o w.run
md5=$(md5sum <"$channel/linux-64/tinder-text-1.0-0.conda" | cut -c 1-32)
sed "/text-1.0/s/#.*/#$md5/" "$channel/explicit.txt" >right.txt
quietly "$tinderbox" build right.txt -o m.run
[ ! -e w.run ] || fail "a failed build left its file"

# ---- installed, and compared with py-rattler --------------------------------------------------------------------------
packages=()
for package in "$channel"/*/*.conda "$channel"/*/*.tar.bz2; do # rattler fails on empty directories (tinder-dirs)
    case $package in *stub_0* | */tinder-dirs-*) ;; */tinder-links-1.0-0.conda) packages+=("$work/a channel/linux-64/tinder-links-1.0-0.conda") ;; *) packages+=("$package") ;; esac
done
# 140 bytes: too long for an interpreter line, and less than the 150 of the oldest package's placeholder.
long=$work/$(printf '%0140d' 0 | tr 0 l | cut -c "$((${#work} + 2))-140")
[ ${#long} = 140 ] || fail "the long prefix has ${#long} bytes"
for prefix in "$work/plain" "$work/with a space" "$long"; do
    quietly "$python" "$fixture/conda_reference_install.py" --scripts "$prefix" "${packages[@]}"
    cp log rattler.json
    if [ "$prefix" = "$work/plain" ]; then # before it moves: a capture of what another installer made
        quietly "$tinderbox" build --from-prefix "$prefix" -o captured.run
    fi
    mv "$prefix" moved
    quietly "${offline[@]}" sh c.run -b -p "$prefix"
    "$python" "$root/tests/tools/compare_with_rattler.py" rattler.json moved "$prefix" >compared ||
        { cat compared >&2; fail "the tree in '$prefix' differs from py-rattler's"; }
    tail -n 1 compared
    rm -rf moved
    env -i HOME="$HOME" "$prefix/bin/python" -c '
import sys, hashlib, sqlite3, ssl, json, sysconfig, os, importlib.metadata as m
prefix = sys.argv[1]
assert sys.prefix == prefix == sysconfig.get_config_var("prefix"), (sys.prefix, sysconfig.get_config_var("prefix"))
assert m.version("tinder-noarch") == "0.3"
import tinder_noarch.other
assert os.path.exists(tinder_noarch.other.__cached__) and tinder_noarch.__file__.startswith(prefix)
assert sorted(os.listdir(prefix + "/share/Case")) == ["File", "file"]
assert os.path.isdir(prefix + "/var/empty/deep") and os.stat(prefix + "/var/log").st_mode & 0o777 == 0o700
names = {json.load(open(f"{prefix}/conda-meta/{n}"))["name"] for n in os.listdir(prefix + "/conda-meta") if n.endswith(".json")}
assert {"python", "tinder-noarch", "tinder-post", "tinder-legacy"} <= names and len(names) == 11, names
history = open(prefix + "/conda-meta/history").read()
assert history.startswith("==> 1980-01-01") and history.count("\n+") == 11 and "# update specs: [" in history, history
# As conda writes and derives them: a record of a URL that conda cannot match to the history counts as replaced.
import urllib.parse
for name in os.listdir(prefix + "/conda-meta"):
    if not name.endswith(".json"): continue
    r = json.load(open(f"{prefix}/conda-meta/{name}"))
    channel = urllib.parse.unquote(r["url"].rsplit("/", 1)[0])
    assert r["channel"] == channel, (r["channel"], r["url"])
    line = "+{}/{}::{}-{}-{}".format(channel.rsplit("/", 1)[0], r["subdir"], r["name"], r["version"], r["build"])
    assert line in history.split("\n"), (line, history)
    assert r["name"] != "tinder-links" or "/a channel/linux-64" in channel, channel
' "$prefix"
    [ "$(cat "$prefix/share/post-linked")" = "tinder-post 2.0 7" ] || fail "the post-link script left no mark"
    cd /
    [ "$(env -i "$prefix/bin/tinder-main")" = "noarch main" ] || fail "tinder-main"
    status=0; env -i "$prefix/bin/tinder-app" || status=$?
    [ $status = 3 ] || fail "tinder-app ended with $status"
    [ "$(env -i "$prefix/bin/tinder-show")" = "$prefix twice: $prefix" ] || fail "tinder-show"
    env -i "$prefix/bin/tinder-script" || fail "tinder-script"
    [ "$(env -i PATH=/usr/bin:/bin "$prefix/bin/tinder-env")" = "$prefix/etc" ] || fail "tinder-env"
    cd "$work"
done
# rattler reads what we wrote.
"$python" -c '
import sys, pathlib, rattler
for path in pathlib.Path(sys.argv[1]).glob("*.json"):
    record = rattler.PrefixRecord.from_path(path)
    assert record.file_name and len(record.paths_data.paths) >= len(record.files) > 0, path
' "$work/plain/conda-meta"

quietly "${offline[@]}" sh h.run -b -s -p "$work/no-scripts"
[ ! -e no-scripts/share/post-linked ] || fail "-s ran a post-link script"
[ -e no-scripts/bin/.tinder-post-post-link.sh ] || fail "-s left the script out"

# ---- a prefix for which a binary has no room --------------------------------------------------------------------------
limit=$work/$(printf '%0151d' 0 | tr 0 p | cut -c "$((${#work} + 2))-151")
expect 2 "lib/old.bin" sh h.run -b -p "$limit/"
grep -q "at most 150 bytes" out || { cat out; fail "the limit is not named"; }
deep=$work/new/$(printf 'd%.0s' $(seq 230))/env
expect 2 "has room for 150" sh h.run -b -p "$deep"
[ ! -e "$limit" ] && [ ! -e "$work/new" ] || fail "a refused prefix was written to"
quietly sh h.run -b -s -p "${limit%p}"

# ---- the prefix that py-rattler made, captured and moved --------------------------------------------------------------
moved="$work/captured and moved/env"
quietly "${offline[@]}" sh captured.run -b -p "$moved"
rm -rf plain
env -i HOME="$HOME" "$moved/bin/python" -c '
import sys, ssl, sqlite3, tinder_noarch, sysconfig
assert sys.prefix == sys.argv[1] == sysconfig.get_config_var("prefix"), (sys.prefix, sysconfig.get_config_var("prefix"))' "$moved"
[ "$(env -i "$moved/bin/tinder-main")" = "noarch main" ] || fail "the captured tinder-main"
[ "$(env -i "$moved/bin/tinder-show")" = "$moved twice: $moved" ] || fail "the captured tinder-show"
# Every file moved, the binaries of the old format among them, but for what tools wrote down.
grep -rl --binary-files=text -F "$work/plain" "$moved" | grep -v -e /.tinderbox/ -e '/conda-meta/.*json' >left || true
[ ! -s left ] || { cat left >&2; fail "the captured prefix names the place it came from"; }

# ---- environment.yml: exact conda entries from a channel, and pip -----------------------------------------------------
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
quietly "$tinderbox" build environment.yml --no-index --find-links "$work" -o mixed.run
quietly "${offline[@]}" sh mixed.run -b -p "$work/mixed"
[ "$(env -i "$work/mixed/bin/tinder-wheel")" = "wheel on 3" ] || fail "the wheel on conda packages"
grep -q '"md5"' "$work"/mixed/conda-meta/tinder-text-*.json || fail "repodata's md5 is not in the record"
sed 's/tinder-text=1.0=0/tinder-text=1.0=no_such_build/' environment.yml >wrong.yml
status=0; "$tinderbox" build wrong.yml --no-index --find-links "$work" -o w.run >out 2>&1 || status=$?
case $status in 2 | 9) grep -q tinder-text out ;; *) false ;; esac || { cat out; fail "an unknown build ended with $status"; }

# ---- packages that are not right --------------------------------------------------------------------------------------
cat >bad.py <<'PY'
"""bad.py KIND: bad-1.0-0.tar.bz2 with one thing wrong."""
import io, json, sys, tarfile
kind = sys.argv[1]
paths = {"paths_version": 1, "paths": [{"_path": "share/bad", "path_type": "hardlink"}]}
members = {"share/bad": b"x\n"}
if kind == "version":
    paths["paths_version"] = 2
if kind == "missing":
    paths["paths"].append({"_path": "share/not-there", "path_type": "hardlink"})
if kind == "leaves":
    paths["paths"].append({"_path": "../outside", "path_type": "hardlink"})
    members["../outside"] = b"y\n"
with tarfile.open("bad-1.0-0.tar.bz2", "w:bz2") as tar:
    def add(name, data=b"", **more):
        member = tarfile.TarInfo(name)
        member.size = len(data)
        for key, value in more.items():
            setattr(member, key, value)
        tar.addfile(member, io.BytesIO(data))
    add("info/index.json", json.dumps({"name": "bad", "version": "1.0", "build": "0", "build_number": 0, "depends": [],
                                       "subdir": "linux-64"}).encode())
    if kind == "link":
        paths["paths"].append({"_path": "share/link", "path_type": "softlink"})
        add("share/link", type=tarfile.SYMTYPE, linkname="../../../outside")
    if kind == "device":
        paths["paths"].append({"_path": "share/device", "path_type": "hardlink"})
        add("share/device", type=tarfile.CHRTYPE)
    if kind != "json":
        add("info/paths.json", json.dumps(paths).encode())
    else:
        add("info/paths.json", b'{"paths": [')
    for name, data in members.items():
        add(name, data)
PY
printf '@EXPLICIT\n%s\n' "$work/bad-1.0-0.tar.bz2" >bad.txt
for case in version:info/paths.json json:info/paths.json missing:share/not-there leaves:../outside link:share/link \
    device:share/device; do
    "$python" bad.py "${case%%:*}"
    expect 2 "bad-1.0-0.tar.bz2" "$tinderbox" build bad.txt -o w.run
    grep -qF -- "${case#*:}" out || { cat out; fail "'${case#*:}' is not named (${case%%:*})"; }
done
"$python" bad.py version
head -c 100 bad-1.0-0.tar.bz2 >cut && mv cut bad-1.0-0.tar.bz2
expect 2 "bad-1.0-0.tar.bz2" "$tinderbox" build bad.txt -o w.run
echo '<html>log in</html>' >bad-1.0-0.tar.bz2
expect 2 "bad-1.0-0.tar.bz2" "$tinderbox" build bad.txt -o w.run
[ ! -e w.run ] || fail "a failed build left its file"
echo "conda: built from files, server and cache; three prefixes as py-rattler's; captured; mistakes named"
