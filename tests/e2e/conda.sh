#!/usr/bin/env bash
# Installs conda packages at three prefixes and compares with py-rattler: a real CPython with a long placeholder, noarch
# Python packages, scripts, links, old formats. Also captures py-rattler's prefix and installs it elsewhere.
. "$(dirname "$0")/common.inc"
[ ${#work} -le 100 ] || skip "TMPDIR is too long: prefixes of 140 bytes are made below it"
conda_channel
fixture=$root/tests/fixtures
cd "$work"
works() { # PREFIX: its entry points run
    (cd / && [ "$(env -i "$1/bin/tinder-main")" = "noarch main" ] && [ "$(env -i "$1/bin/tinder-show")" = "$1 twice: $1" ]) || fail "the entry points of $1"
}

# One package as a path, and one below a name with a space: conda's record is the same as for a URL.
mkdir -p "a channel/linux-64"
cp "$channel/linux-64/tinder-links-1.0-0.conda" "a channel/linux-64"
sed "/tinder-text-1.0/s|^file://||; /tinder-links-1.0/s|^[^#]*|$work/a channel/linux-64/tinder-links-1.0-0.conda|" "$channel/explicit-cpython.txt" >mixed.txt
[ "$(grep -c '^/' mixed.txt)" = 2 ] || fail "the list with paths: $(cat mixed.txt)"
quietly "$tinderbox" build mixed.txt -o c.run

packages=()
for package in "$channel"/*/*.conda "$channel"/*/*.tar.bz2; do # rattler fails on empty directories (tinder-dirs)
    case $package in *stub_0* | */tinder-dirs-*) ;; */tinder-links-1.0-0.conda) packages+=("$work/a channel/linux-64/tinder-links-1.0-0.conda") ;; *) packages+=("$package") ;; esac
done
# 140 bytes: too long for an interpreter line, and shorter than the oldest package's placeholder of 150 bytes.
long=$work/$(printf '%0140d' 0 | tr 0 l | cut -c "$((${#work} + 2))-140")
[ ${#long} = 140 ] || fail "the long prefix has ${#long} bytes"
for prefix in "$work/plain" "$work/with a space" "$long"; do
    quietly "$python" "$fixture/conda_reference_install.py" --scripts "$prefix" "${packages[@]}"
    cp log rattler.json
    if [ "$prefix" = "$work/plain" ]; then quietly "$tinderbox" build --from-prefix "$prefix" -o captured.run; fi
    mv "$prefix" moved
    quietly "${offline[@]}" sh c.run -b -p "$prefix"
    "$python" "$root/tests/tools/compare_with_rattler.py" rattler.json moved "$prefix" >compared ||
        { cat compared >&2; fail "the tree in '$prefix' differs from py-rattler's"; }
    tail -n 1 compared
    rm -rf moved
    env -i HOME="$HOME" "$prefix/bin/python" "$root/tests/tools/check_conda_prefix.py" "$prefix" || fail "what lies in $prefix"
    [ "$(cat "$prefix/share/post-linked")" = "tinder-post 2.0 7" ] || fail "the post-link script left no mark"
    works "$prefix"
    status=0; env -i "$prefix/bin/tinder-app" || status=$?
    [ $status = 3 ] || fail "tinder-app ended with $status"
    env -i "$prefix/bin/tinder-script" || fail "tinder-script"
    [ "$(env -i PATH=/usr/bin:/bin "$prefix/bin/tinder-env")" = "$prefix/etc" ] || fail "tinder-env"
done
# rattler reads our records.
"$python" -c '
import sys, pathlib, rattler
for path in pathlib.Path(sys.argv[1]).glob("*.json"):
    record = rattler.PrefixRecord.from_path(path)
    assert record.file_name and len(record.paths_data.paths) >= len(record.files) > 0, path
' plain/conda-meta

# Captures py-rattler's prefix, installs it at another place, and removes the first.
moved="$work/captured and moved/env"
quietly "${offline[@]}" sh captured.run -b -p "$moved"
rm -rf plain
env -i HOME="$HOME" "$moved/bin/python" -c '
import sys, ssl, sqlite3, tinder_noarch, sysconfig
assert sys.prefix == sys.argv[1] == sysconfig.get_config_var("prefix"), (sys.prefix, sysconfig.get_config_var("prefix"))' "$moved"
works "$moved"
# Every file has the new prefix, also binaries of the old format; conda's records are excepted.
grep -rl --binary-files=text -F "$work/plain" "$moved" | grep -v -e /.tinderbox/ -e '/conda-meta/.*json' >left || true
[ ! -s left ] || { cat left >&2; fail "the captured prefix names the place it came from"; }
