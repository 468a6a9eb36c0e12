#!/usr/bin/env bash
# Five installers, byte for byte as recorded in golden_bytes.txt: a change of the generator that is meant to change no
# byte shows here that it does not. tinderbox-golden has fixed bytes in place of the stub.
#
#   TINDERBOX_UPDATE_GOLDEN=1   records instead of comparing; the difference is reviewed and explained in its commit
#
# A row holds for the inputs it was recorded with. Wheels are pinned, but the Python is this machine's, and so are the
# conda packages that are made with it: with others the row is skipped and says so.
. "$(dirname "$0")/common.inc"
. "$(dirname "$0")/golden_bytes.inc"
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
# Parcels of another generator must not answer for this one's.
export TINDERBOX_CACHE=$fixed/cache
golden_channel

make() { # NAME ARGUMENTS…
    local name=$1
    shift
    quietly "$tinderbox" build "$@" -o "$name.run"
    cat "$name.run" "$name.run".0* >whole 2>/dev/null || true
    printf '%s %s %s\n' "$name" "$(digest_of_inputs "$name")" "$(sha256sum <whole | cut -c 1-64)" >>rows
}

printf 'six==1.17.0\nPygments==2.19.2\nmarkupsafe==3.0.3\nnumpy==2.2.6\nPyYAML==6.0.3\n' >requirements.txt
make wheels requirements.txt --python-from "$python" --no-pip --no-index --find-links "$links" --name lab
make volumes requirements.txt --python-from "$python" --no-pip --no-index --find-links "$links" --name lab --split 4M --include requirements.txt
golden_installer
make base channel/explicit-cpython.txt --base installers/Labconda-C.sh --name lab
golden_prefix
make prefix --from-prefix prefix --name lab
golden_recipe
make construct recipe/construct.yaml

if [ -n "${TINDERBOX_UPDATE_GOLDEN:-}" ]; then
    cp rows "$golden"
    echo "recorded: $(wc -l <rows) installers"
    exit 0
fi
compare_golden "$golden" rows
