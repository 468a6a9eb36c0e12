#!/bin/sh
#
# NAME:  Labconda
# VER:   A-1
# PLAT:  linux-64
# BYTES:        44207
# LINES: 136
# MD5:   df96528f60e9d877b06500b08d3c9693

if ! echo "$0" | grep '\.sh$' > /dev/null; then
    printf 'run it with sh\n' >&2
    exit 1
fi
export INSTALLER_NAME='Labconda'
export INSTALLER_VER='A-1'
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
MD5=$(tail -n +136 "$THIS_PATH" | md5sum -)
if ! echo "$MD5" | grep df96528f60e9d877b06500b08d3c9693 >/dev/null; then
    printf 'WARNING: md5sum mismatch\n' >&2
fi
cd "$PREFIX"
if ! tail -n +136 "$THIS_PATH" | tar xf -; then
    exit 1
fi
PRECONDA="$PREFIX/preconda.tar.bz2"
bunzip2 -c $PRECONDA | tar -xf - --no-same-owner || exit 1
rm -f $PRECONDA

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
export TMP="$PREFIX/install_tmp"
mkdir -p "$TMP"
install_dist()
{
    echo "$1" | sed 's/-\([^-]*\)-\([^-]*\)$/=\1=\2/' >> "$TMP/order"
}
install_dist python-3.11.7-stub_0_cpython
install_dist tinder-bz2-1.0-0
install_dist tinder-clobber-a-1.0-0
install_dist tinder-clobber-b-1.0-0
install_dist tinder-legacy-0.1-1
install_dist tinder-links-1.0-0
install_dist tinder-modes-1!2.0-0
install_dist tinder-noarch-0.3-pyh0_2
install_dist tinder-post-2.0-h1_7
install_dist tinder-text-1.0-0
export CONDA_PKGS_DIRS="$PREFIX/pkgs"
"$PREFIX/pkgs/.install.py" constructor --prefix "$PREFIX" --extract-conda-pkgs
"$PREFIX/pkgs/.install.py" install --file "$TMP/order" -yp "$PREFIX" || exit 1
rm -r "$TMP"
mkdir -p $PREFIX/envs
cat <<EOF >$PREFIX/.condarc
channels:
  - file:///srv/\$channel
default_channels: []
EOF

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
