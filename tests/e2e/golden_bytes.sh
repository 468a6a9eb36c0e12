#!/usr/bin/env bash
# Five installers, byte for byte as recorded in golden_bytes.txt: a change of the generator that is meant to change no
# byte shows here that it does not. tinderbox-golden has fixed bytes in place of the stub.
#
#   TINDERBOX_UPDATE_GOLDEN=1   records instead of comparing; the difference is reviewed and explained in its commit
#
# A row holds for the inputs it was recorded with. Wheels are pinned, but the Python is this machine's, and so are the
# conda packages that are made with it: with others the row is skipped and says so.
. "$(dirname "$0")/common.inc"
tinderbox=$build/tinderbox-golden
[ -x "$tinderbox" ] || skip "$tinderbox has not been built"
golden=$root/tests/e2e/golden_bytes.txt
small_wheels
conda_channel
python=$(find_python)
export SOURCE_DATE_EPOCH=1700000000
# Manifests and locks hold paths: they have to be the same in every run.
fixed=/tmp/tinderbox-golden-bytes
exec 9>"$fixed.lock"
flock 9
rm -rf "$fixed"
mkdir "$fixed"
trap 'rm -rf "$fixed"; leave' EXIT
cd "$fixed"
cp -rL "$channel" channel
sed -i "s|file://$channel|file://$fixed/channel|" channel/explicit*.txt
# Parcels of another generator must not answer for this one's.
export TINDERBOX_CACHE=$fixed/cache

digest_of_python() { # the interpreter and its standard library
    "$python" - <<'END2'
import hashlib, os, sys, sysconfig
total = hashlib.sha256()
stdlib = sysconfig.get_path("stdlib")
files = [os.path.realpath(sys.executable)]
for directory, directories, names in os.walk(stdlib):
    directories[:] = [d for d in directories if d not in ("site-packages", "__pycache__")]
    files += [os.path.join(directory, name) for name in names]
for file in sorted(files):
    total.update(file.encode() + b"\0" + open(file, "rb").read())
print(total.hexdigest())
END2
}
inputs=$({ digest_of_python; cd channel && find . -type f ! -name '.complete' | LC_ALL=C sort | xargs sha256sum; } | sha256sum | cut -c 1-16)

make() { # NAME ARGUMENTS…
    local name=$1
    shift
    quietly "$tinderbox" build "$@" -o "$name.run"
    cat "$name.run" "$name.run".0* >whole 2>/dev/null || true
    printf '%s %s %s\n' "$name" "$inputs" "$(sha256sum <whole | cut -c 1-64)" >>rows
}

printf 'six==1.17.0\nPygments==2.19.2\nmarkupsafe==3.0.3\nnumpy==2.2.6\nPyYAML==6.0.3\n' >requirements.txt
make wheels requirements.txt --python-from "$python" --no-index --find-links "$links" --name lab
make volumes requirements.txt --python-from "$python" --no-index --find-links "$links" --name lab --split 4M --include requirements.txt

version=$("$python" -c 'import platform; print(platform.python_version())')
quietly "$venv/bin/python" "$root/tests/fixtures/make_installers.py" channel installers --eras C --packages \
    "python-$version-tinder_0_cpython" tinder-text-1.0-0 tinder-noarch-0.3-pyh0_2 tinder-links-1.0-0 tinder-post-2.0-h1_7
make base channel/explicit-cpython.txt --base installers/Labconda-C.sh --name lab

packages=()
for package in channel/*/*.conda channel/*/*.tar.bz2; do
    # py-rattler sets a file that two packages have aside on some runs and not on others.
    case $package in *stub_0* | */tinder-dirs-* | */tinder-clobber-*) ;; *) packages+=("$package") ;; esac
done
quietly "$venv/bin/python" "$root/tests/fixtures/conda_reference_install.py" "$fixed/prefix" "${packages[@]}"
# Its records name the temporary cache that the packages were linked from; nothing else differs from run to run.
sed -i 's|"[^"]*/cache/|"/cache/|' prefix/conda-meta/*.json
find prefix -exec touch -h -d @1700000000 {} +
make prefix --from-prefix prefix --name lab

mkdir recipe
grep -E '^@|python-3|tinder-post|tinder-text' channel/explicit-cpython.txt >recipe/packages.txt
printf 'be kind\n' >recipe/EULA.txt
printf '#!/bin/sh\necho "$CUSTOM"\n' >recipe/post.sh
cat >recipe/construct.yaml <<'END2'
name: Lab
version: 2.5.1
installer_type: sh
specs: packages.txt
license_file: EULA.txt
extra_files: [{EULA.txt: share/kind.txt}]
post_install: post.sh
script_env_variables: {CUSTOM: hello}
END2
make construct recipe/construct.yaml

if [ -n "${TINDERBOX_UPDATE_GOLDEN:-}" ]; then
    cp rows "$golden"
    echo "recorded: $(wc -l <rows) installers"
    exit 0
fi
compared=0
while read -r name recorded sha256; do
    row=$(grep "^$name " rows) || fail "'$name' was not built"
    [ "$recorded" = "$inputs" ] || { echo "not compared: $name was recorded with another Python than this machine's"; continue; }
    [ "$row" = "$name $recorded $sha256" ] || fail "the bytes of '$name' changed: $row instead of $sha256"
    compared=$((compared + 1))
done <"$golden"
[ "$compared" -gt 0 ] || skip "every row was recorded with another Python than this machine's"
echo "golden bytes: $compared installers are as recorded"
