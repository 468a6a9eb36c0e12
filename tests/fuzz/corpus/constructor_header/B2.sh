#!/bin/sh
#
# NAME:  Labconda
# VER:   B2-1
# PLAT:  linux-64
# LINES: 134
# MD5:   325c619e33a2771115f324a4aa072693

set -e

if ! echo "$0" | grep '\.sh$' > /dev/null; then
    printf 'run it with sh\n' >&2
    exit 1
fi
export INSTALLER_NAME='Labconda'
export INSTALLER_VER='B2-1'
export INSTALLER_PLAT='linux-64'
export INSTALLER_TYPE='SH'

THIS_PATH=$(cd "$(dirname "$0")" && pwd)/$(basename "$0")
PREFIX="$HOME/labconda"
BATCH=0
FORCE=0
KEEP_PKGS=0
SKIP_SCRIPTS=0
while getopts "bfhkp:sumtci" x; do
    case "$x" in
        b) BATCH=1 ;;
        i) BATCH=0 ;;
        f | u) FORCE=1 ;;
        k)
            KEEP_PKGS=1
            ;;
        p) PREFIX="$OPTARG" ;;
        s) SKIP_SCRIPTS=1 ;;
        h) printf 'usage: %s [-b] [-p PREFIX]\n' "$0"; exit 2 ;;
        *) : ;;
    esac
done
if [ "$BATCH" = "0" ]; then
    pager="cat"
    "$pager" <<EOF
Labconda's licence: do as you like, and be kind.
It has a second paragraph.
It has a second paragraph.
It has a second paragraph.

EOF
    printf 'Do you accept the license terms? [yes|no]\n>>> '
    read -r ans
    [ "$ans" = "yes" ] || exit 2
fi
if [ "$FORCE" = "0" ] && [ -e "$PREFIX" ]; then
    printf 'ERROR: it exists: %s\n' "$PREFIX" >&2
    exit 1
fi
mkdir -p "$PREFIX"
PREFIX=$(cd "$PREFIX"; pwd)
export PREFIX
MD5=$(tail -n +134 "$THIS_PATH" | md5sum -)
if ! echo "$MD5" | grep 325c619e33a2771115f324a4aa072693 >/dev/null; then
    printf 'WARNING: md5sum mismatch\n' >&2
fi
cd "$PREFIX"
CONDA_EXEC="$PREFIX/conda.exe"
{
    dd if="$THIS_PATH" bs=1 skip=3668                 count=12716                2>/dev/null
    dd if="$THIS_PATH" bs=16384 skip=1                    count=4                    2>/dev/null
    dd if="$THIS_PATH" bs=1 skip=81920                count=1203                 2>/dev/null
} > "$CONDA_EXEC"
chmod +x "$CONDA_EXEC"
{
    dd if="$THIS_PATH" bs=1 skip=83123                count=15181                2>/dev/null
    dd if="$THIS_PATH" bs=16384 skip=6                    count=2                    2>/dev/null
    dd if="$THIS_PATH" bs=1 skip=131072               count=13491                2>/dev/null
} | "$CONDA_EXEC" constructor --extract-tar --prefix "$PREFIX"
export TMP="$PREFIX/install_tmp"
mkdir -p "$TMP"
"$CONDA_EXEC" constructor --prefix "$PREFIX" --extract-conda-pkgs || exit 1
PRECONDA="$PREFIX/preconda.tar.bz2"
"$CONDA_EXEC" constructor --prefix "$PREFIX" --extract-tarball < "$PRECONDA" || exit 1
rm -f "$PRECONDA"

if [ "$SKIP_SCRIPTS" = "1" ]; then
    export INST_OPT='--skip-scripts'
else
    export INST_OPT=''
    if ! sh "$PREFIX/pkgs/pre_install.sh"; then
        printf 'ERROR: pre_install.sh failed\n' >&2
        exit 1
    fi
fi
MSGS="$PREFIX/.messages.txt"
touch "$MSGS"
test -d ~/.conda || mkdir -p ~/.conda
CONDA_SAFETY_CHECKS=disabled \
CONDA_PKGS_DIRS="$PREFIX/pkgs" \
"$CONDA_EXEC" install --offline --file "$PREFIX/pkgs/env.txt" -yp "$PREFIX" || exit 1
rm -f "$PREFIX/pkgs/env.txt"
mkdir -p "$PREFIX/envs"
POSTCONDA="$PREFIX/postconda.tar.bz2"
"$CONDA_EXEC" constructor --prefix "$PREFIX" --extract-tarball < "$POSTCONDA" || exit 1
rm -f "$POSTCONDA"
rm -f $PREFIX/conda.exe
rm -rf "$PREFIX/install_tmp"

if [ "$SKIP_SCRIPTS" = "1" ]; then
    export INST_OPT='--skip-scripts'
else
    export INST_OPT=''
    if ! sh "$PREFIX/pkgs/post_install.sh"; then
        printf 'ERROR: post_install.sh failed\n' >&2
        exit 1
    fi
fi

if [ -f "$MSGS" ]; then
  cat "$MSGS"
fi
rm -f "$MSGS"
if [ "$KEEP_PKGS" = "0" ]; then
    rm -rf "$PREFIX"/pkgs
else
    find "$PREFIX/pkgs" -type d -empty -exec rmdir {} \; 2>/dev/null || :
fi
if [ "$BATCH" = "0" ]; then
    DEFAULT=no
fi
cat <<'EOF'
installation finished.
EOF
exit 0
@@END_HEADER@@
