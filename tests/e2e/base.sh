#!/usr/bin/env bash
# A conda from its own installer: .sh files of every era that really install (make_installers.py), run once, and read once
# by Tinderbox at the same path; trees and records compared, those of the installer's further environments too. The
# environment beside it, the kept package cache, --base as file and URL, pinned and cached; into a conda that is there;
# damaged and foreign files; one for another platform.
. "$(dirname "$0")/common.inc"
conda_channel
cd "$work"
fixture=$root/tests/fixtures
version=$("$python" -c 'import platform; print(platform.python_version())')
quietly "$python" "$fixture/make_installers.py" "$channel" installers --eras A B1 B2 D --environment tools tinder-text-1.0-0 tinder-post-2.0-h1_7
# One with a real CPython inside.
quietly "$python" "$fixture/make_installers.py" "$channel" installers --eras C --packages "python-$version-tinder_0_cpython" tinder-text-1.0-0 \
    tinder-noarch-0.3-pyh0_2 tinder-links-1.0-0 tinder-post-2.0-h1_7 tinder-legacy-0.1-1 tinder-clobber-a-1.0-0 tinder-clobber-b-1.0-0 \
    --environment py "python-$version-tinder_0_cpython" tinder-noarch-0.3-pyh0_2 tinder-post-2.0-h1_7 --environment tools 'tinder-modes-1!2.0-0' tinder-links-1.0-0

# ---- the same conda, by its .sh and by Tinderbox ------------------------------------------------------------------------
prefix=$work/p/conda
for era in A B1 B2 C D; do
    list=$channel/explicit.txt
    [ $era != C ] || list=$channel/explicit-cpython.txt
    keep=()
    further=() # environments of the installer's own
    case $era in
        C) further=(py tools) keep=(-k) ;;
        D) further=(tools) keep=(-k) ;;
    esac
    quietly "$tinderbox" build "$list" --base "installers/Labconda-$era.sh" --name lab -o $era.run
    rm -rf p moved
    HOME=$work/sh-home quietly sh "installers/Labconda-$era.sh" -b "${keep[@]}" -p "$prefix"
    quietly "$python" "$fixture/conda_reference_install.py" --describe "$prefix"
    cp log theirs.json
    for name in "${further[@]}"; do
        quietly "$python" "$fixture/conda_reference_install.py" --describe "$prefix/envs/$name"
        cp log theirs-$name.json
    done
    mv p moved
    quietly "${offline[@]}" sh $era.run -b "${keep[@]}" -p "$prefix"
    "$python" "$root/tests/tools/compare_with_rattler.py" theirs.json moved/conda "$prefix" envs pkgs >compared ||
        { cat compared >&2; fail "the conda that $era.run installed differs from what its .sh leaves"; }
    echo "$era: $(tail -n 1 compared)"
    for name in "${further[@]}"; do
        "$python" "$root/tests/tools/compare_with_rattler.py" theirs-$name.json "moved/conda/envs/$name" "$prefix/envs/$name" >compared ||
            { cat compared >&2; fail "the environment '$name' that $era.run installed differs from what its .sh leaves"; }
        echo "$era, $name: $(tail -n 1 compared)"
        for file in history frozen initial-state.explicit.txt; do
            [ ! -e "moved/conda/envs/$name/conda-meta/$file" ] || cmp "moved/conda/envs/$name/conda-meta/$file" "$prefix/envs/$name/conda-meta/$file" ||
                fail "conda-meta/$file of '$name'"
        done
        grep -qx "$prefix/envs/$name" "$HOME/.conda/environments.txt" || fail "'$name' is not registered"
    done
    [ "$(ls moved/conda/envs)" = "$(ls "$prefix/envs" | sed '/^lab$/d')" ] || fail "environments: $(ls "$prefix/envs")"
    grep -q "^post Labconda linux-64" "$prefix/scripts.log" || fail "post_install did not run"
    [ -e "$prefix/pkgs" ] && [ ${#keep[@]} = 0 ] && fail "the package cache stayed without -k"
    "$prefix/envs/lab/bin/tinder-show" | grep -qx "$prefix/envs/lab twice: $prefix/envs/lab" || fail "the environment beside the base"
    [ "$(sort "$HOME/.conda/environments.txt" | uniq -c | awk '{ print $1 ":" $2 }' | grep -c "^1:$prefix\(/envs/lab\)\?\$")" -ge 1 ] ||
        fail "environments.txt: $(cat "$HOME/.conda/environments.txt")"
    if [ ${#keep[@]} != 0 ]; then
        "$python" "$root/tests/tools/compare_package_cache.py" moved/conda "$prefix" || fail "the kept package cache differs"
    fi
    if [ $era = C ]; then
        # A file of both prefixes without relocations is one inode.
        [ "$prefix/lib/libtinder.so.1.2" -ef "$prefix/envs/lab/lib/libtinder.so.1.2" ] || fail "base and environment share nothing"
        "$prefix/envs/lab/bin/tinder-main" | grep -qx "noarch main" || fail "the environment's entry point"
        "$prefix/envs/py/bin/tinder-main" | grep -qx "noarch main" || fail "the entry point of the installer's environment"
        "$prefix/envs/py/bin/python" -c 'import ssl, sys, tinder_noarch; assert sys.prefix == sys.argv[1]' "$prefix/envs/py"
        "$prefix/bin/python" -c 'import ssl, sqlite3, sys, tinder_noarch; assert sys.prefix == sys.argv[1]' "$prefix"
        grep -qx "  - file:///srv/\$channel" "$prefix/.condarc" || fail ".condarc: $(cat "$prefix/.condarc")"
    fi
    grep -q "^# update specs: \[" "$prefix/envs/lab/conda-meta/history" || fail "the environment's history"
    "$python" - "$prefix" <<'PY'
import pathlib, sys, rattler
for prefix in (sys.argv[1], sys.argv[1] + "/envs/lab"):
    records = [rattler.PrefixRecord.from_path(p) for p in pathlib.Path(prefix, "conda-meta").glob("*.json")]
    assert len(records) >= 8 and all(r.files for r in records), prefix
PY
    quietly sh $era.run -b --verify-only -p "$prefix"
    # What scripts made is nobody's that could be told from the user's.
    quietly sh $era.run -b --uninstall -p "$prefix"
    left=$(cd "$prefix" && find . -type f | sort | tr '\n' ' ')
    [ "$left" = "./scripts.log " ] || fail "--uninstall left $left"
    rm -rf "$prefix"
    ! grep -q . "$HOME/.conda/environments.txt" || fail "environments.txt keeps $(cat "$HOME/.conda/environments.txt")"
done

# ---- pinned, cached, from a server --------------------------------------------------------------------------------------
serve installers
url=http://127.0.0.1:$port/Labconda-D.sh
export TINDERBOX_CACHE=$work/cache
quietly "$tinderbox" lock "$channel/explicit.txt" --base "$url" --name lab -o a.lock
grep -q "\"sha256\": \"$(sha256sum <installers/Labconda-D.sh | cut -c 1-64)\"" a.lock || fail "the base is not pinned"
quietly "$tinderbox" build a.lock -o locked.run
unserve
mkdir again
quietly "$tinderbox" build a.lock --offline -o again/locked.run
cmp locked.run again/locked.run || fail "two builds of one lock differ"
expect 2 "its base is" "$tinderbox" build a.lock --base none --offline -o w.run
expect 8 "Labconda-D.sh" env TINDERBOX_CACHE="$work/cache2" "$tinderbox" build a.lock --offline -o w.run
expect 8 "Miniforge3-" env TINDERBOX_CACHE="$work/cache2" "$tinderbox" build "$channel/explicit.txt" --base miniforge --offline -o w.run
expect 2 "known for linux-64 are" "$tinderbox" build "$channel/explicit.txt" --base miniconda=1.0 -o w.run
expect 2 "it brings an environment 'tools' of its own; give yours another name with --name" \
    "$tinderbox" build "$channel/explicit.txt" --base installers/Labconda-D.sh --name tools -o w.run
# A package that base and environment have is packed once: the environment adds what only it has.
quietly "$tinderbox" build "$channel/explicit.txt" --base installers/Labconda-D.sh --name lab -o both.run --json
"$tinderbox" inspect both.run --json >both.json
"$python" - both.json <<'PY'
import json, sys
m = json.load(open(sys.argv[1]))
assert m["base"] == "Labconda D-1" and m["base_installer"]["license"].startswith("Labconda's licence"), m["base"]
base = {p["name"]: p["sha256"] for p in m["packages"] if p["prefix"] == "base" and p["kind"] == "conda"}
environment = {p["name"]: p["sha256"] for p in m["packages"] if p["prefix"] == "env" and p["kind"] == "conda"}
assert len(base) == 10 and all(environment[n] == h for n, h in base.items()), base
assert m["install"]["inodes"] == m["parts"]["env"]["inodes"] + m["parts"]["base"]["inodes"]
PY

# ---- the published recipe, letters, into a conda that is there ----------------------------------------------------------
mkdir -p "$HOME/miniconda3"
quietly sh both.run -b -u -s -p "$HOME/miniconda3"
[ ! -e "$HOME/miniconda3/scripts.log" ] && [ -e "$HOME/miniconda3/envs/lab/bin/python" ] || fail "-b -u -s"
quietly sh both.run -b --uninstall -p "$HOME/miniconda3"
quietly "$tinderbox" build "$channel/explicit.txt" --name lab -o alone.run
HOME=$work/sh-home quietly sh installers/Labconda-B2.sh -b -p "$work/theirs"
tree() { (cd "$1" && find . -path ./envs/lab -prune -o -printf '%p %y %m %s %T@ %l\n' | grep -v '^\./envs ' | sort); }
tree theirs >before
expect 5 "-u" sh both.run -b -p "$work/theirs"
for run in both alone; do
    quietly sh $run.run -b -u -p "$work/theirs"
    tree theirs | diff before - || fail "$run.run changed the conda that was there"
    [ ! -e theirs/envs/lab/envs ] && [ ! -e theirs/.tinderbox ] || fail "more than the environment was installed"
    grep -qx "$work/theirs/envs/lab" "$HOME/.conda/environments.txt" || fail "the added environment is not registered"
    if [ $run = both ]; then
        echo mine >theirs/envs/lab/mine.txt
        expect 5 "--replace" sh alone.run -b -u -p "$work/theirs"
        quietly sh alone.run -b -u --replace -p "$work/theirs"
        [ ! -e theirs/envs/lab/mine.txt ] || fail "--replace kept a file"
        echo mine >theirs/envs/lab/mine.txt
        quietly sh alone.run -b --uninstall -p "$work/theirs"
        [ -e theirs/envs/lab/mine.txt ] && [ ! -e theirs/envs/lab/bin ] || fail "--uninstall and a user's file"
    fi
    rm -rf theirs/envs/lab
done

# ---- what rides along, and -t -------------------------------------------------------------------------------------------
mkdir -p course/sub
echo notebook >course/a.ipynb
echo data >course/sub/b.txt
ln -s sub/b.txt course/link
chmod 750 course/sub
quietly "$tinderbox" build "$channel/explicit-cpython.txt" --name lab --include course --include both.json:models/one.json -o with.run
quietly sh with.run -b -t -p "$work/with"
grep -q "2 modules of .* packages imported, 0 failed: tinder_noarch, tinder_noarch.other" with/.tinderbox/report.json || fail "-t did not import what tinder-noarch declares"
diff -r course with/share/lab/course && cmp both.json with/share/lab/models/one.json || fail "--include"
[ "$(readlink with/share/lab/course/link) $(stat -c %a with/share/lab/course/sub)" = "sub/b.txt 750" ] || fail "--include: link and mode"
sh with.run --list >listed
grep -q "models/one.json .*include" listed || fail "--list does not show what is included"
echo changed >>with/share/lab/course/a.ipynb
quietly sh with.run -b --uninstall -p "$work/with"
[ -e with/share/lab/course/a.ipynb ] && [ ! -e with/share/lab/models ] || fail "--uninstall and what rides along"
quietly "$tinderbox" lock "$channel/explicit.txt" --name lab --include course -o i.lock
echo more >>course/sub/b.txt
expect 2 "other contents of '$work/course'" "$tinderbox" build i.lock -o w.run
expect 2 "there is no 'nowhere'" "$tinderbox" build "$channel/explicit.txt" --include nowhere -o w.run
expect 2 "..' component" "$tinderbox" build "$channel/explicit.txt" --include course:../x -o w.run
ln -s /etc/passwd course/outside
expect 2 "leaves what is included" "$tinderbox" build "$channel/explicit.txt" --include course -o w.run

# ---- licence ------------------------------------------------------------------------------------------------------------
printf '\nno\n' | expect 7 "Labconda's licence" sh both.run -i -p "$work/declined"
[ ! -e declined ] || fail "a declined licence left files"
sh both.run --license >licences
grep -q "Labconda's licence: do as you like" licences || fail "--license does not show the base's"

# ---- damaged and foreign ------------------------------------------------------------------------------------------------
d=installers/Labconda-D.sh
size=$(stat -c %s $d)
bad() { expect 2 "$1" "$tinderbox" build --base x.sh "$channel/explicit.txt" -o w.run; }
head -c 20000 $d >x.sh && bad "x.sh: it is cut short: it has 20000 bytes, and its header declares $size"
head -c 300 $d >x.sh && bad "x.sh: it is cut short: its 300 bytes end inside the header"
{ cat $d; } >x.sh && printf 'X' | dd of=x.sh bs=1 seek=$((size - 9000)) conv=notrunc status=none && bad "its payload is damaged: it has the MD5"
sed 's/^# PLAT:  linux-64/# PLAT:  osx-arm64/' $d >x.sh && bad "for macOS on ARM (osx-arm64)"
echo '<!DOCTYPE html><html>' >x.sh && bad "an HTML page"
cp both.run x.sh && bad "an installer that Tinderbox made"
cp "$tinderbox" x.sh && bad "an ELF program"
# One for another platform is read, locked and planned; its .run needs an installing program for that platform.
sed 's/^# PLAT:  linux-64/# PLAT:  linux-aarch64/' $d >x.sh
other=(--platform linux-aarch64 --name x --conda "$channel/noarch/tinder-noarch-0.3-pyh0_2.conda")
if [ "$(uname -m)" = x86_64 ]; then
    quietly "$tinderbox" lock --base x.sh "${other[@]}" -o other.lock
    grep -q '"platform": "linux-aarch64"' other.lock && grep -q "\"sha256\": \"$(sha256sum <x.sh | cut -c 1-64)\"" other.lock || fail "the lock of another platform"
    expect 0 "tinder-noarch" "$tinderbox" build --plan --base x.sh "${other[@]}"
    expect 2 "this tinderbox makes installers for linux-64, and what is asked for is for linux-aarch64; lock it here" "$tinderbox" build other.lock -o w.run
    expect 2 "it installs a conda for linux-64" "$tinderbox" lock --base $d "${other[@]}" -o w.lock
    "$python" - both.run foreign.run <<'PY'
import sys
data = open(sys.argv[1], "rb").read()
at = data.index(b"want_cpu=x86_64\n")
end = data.index(b"\n\n\n", at) + 1
open(sys.argv[2], "wb").write(data[:at] + b"want_cpu=aarch64\n" + data[at + 16:end] + data[end + 1:])
PY
    [ "$(stat -c %s foreign.run)" = "$(stat -c %s both.run)" ] || fail "the changed header has another size"
    expect 3 "this installer is for aarch64 processors, this machine has x86_64" sh foreign.run --check
fi
[ ! -e w.run ] || fail "a failed build left its file"
echo "base: five eras as their .sh leaves them; pinned; into a conda; mistakes named"
