#!/bin/sh
#
# Created by constructor 3.test
#
# NAME:  Labconda
# VER:   C-1
# PLAT:  linux-64
# MD5:   35befcf08f2c63db311b2c18da1360bd

set -e

if ! echo "$0" | grep '\.sh$' > /dev/null; then
    printf 'run it with sh\n' >&2
    exit 1
fi
export INSTALLER_NAME='Labconda'
export INSTALLER_VER='C-1'
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
    "$pager" <<'EOF'
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
extract_range() {
    tail -c +$(( $1 + 1 )) "$THIS_PATH" | head -c $(( $2 - $1 ))
}
last_line=$(grep -anm 1 '^@@END_HEADER@@' "$THIS_PATH" | sed 's/:.*//')
boundary0=$(head -n "${last_line}" "${THIS_PATH}" | wc -c | sed 's/ //g')
boundary1=$(( $boundary0 + 3855 ))
boundary2=$(( $boundary1 + 61440 ))
MD5=$(extract_range "${boundary0}" "${boundary2}" | md5sum -)
if ! echo "$MD5" | grep 35befcf08f2c63db311b2c18da1360bd >/dev/null; then
    printf 'WARNING: md5sum mismatch\n' >&2
fi
cd "$PREFIX"
CONDA_EXEC="$PREFIX/_conda"
extract_range "${boundary0}" "${boundary1}" > "$CONDA_EXEC"
chmod +x "$CONDA_EXEC"
if [ "$(id -u)" -ne 0 ]; then
    touch "$PREFIX/.nonadmin"
fi
extract_range "${boundary1}" "${boundary2}" | "$CONDA_EXEC" constructor --extract-tarball --prefix "$PREFIX"
export TMP="$PREFIX/install_tmp"
mkdir -p "$TMP"
PRECONDA="$PREFIX/preconda.tar.bz2"
"$CONDA_EXEC" constructor --prefix "$PREFIX" --extract-tarball < "$PRECONDA" || exit 1
rm -f "$PRECONDA"
"$CONDA_EXEC" constructor --prefix "$PREFIX" --extract-conda-pkgs || exit 1

if [ "$SKIP_SCRIPTS" = "1" ]; then
    export INST_OPT='--skip-scripts'
else
    export INST_OPT=''
    if ! "$PREFIX/pkgs/pre_install.sh"; then
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
cat <<EOF >"$PREFIX/.condarc"
channels:
  - file:///srv/\$channel
default_channels: []
EOF
POSTCONDA="$PREFIX/postconda.tar.bz2"
"$CONDA_EXEC" constructor --prefix "$PREFIX" --extract-tarball < "$POSTCONDA" || exit 1
rm -f "$POSTCONDA"
rm -rf "$PREFIX/install_tmp"

if [ "$SKIP_SCRIPTS" = "1" ]; then
    export INST_OPT='--skip-scripts'
else
    export INST_OPT=''
    if ! "$PREFIX/pkgs/post_install.sh"; then
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
    DEFAULT=yes
fi
cat <<'EOF'
installation finished.
EOF
exit 0
@@END_HEADER@@
