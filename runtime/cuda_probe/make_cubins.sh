#!/bin/sh
# make_cubins.sh OUTDIR [PTXAS]: assembles kernels.ptx into machine code and writes OUTDIR/cubins.inc, which
# images.c includes. Without a PTXAS, or for an architecture it does not know, there is no machine code and the
# probe has the PTX text alone, which runs everywhere too.
set -eu

out=$1
ptxas=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"

# One a major is enough: machine code runs on later minors of its own major. 8.7, 8.8 and 11.0 are the Jetson and
# Thor chips, which have no x86-64 host.
architectures="50 60 70 75 80 90 100 120"
made=
version=0
if [ -n "$ptxas" ]; then
    release=$("$ptxas" --version | sed -n 's/.*release \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
    [ -z "$release" ] || version=$((${release% *} * 1000 + ${release#* } * 10))
    for architecture in $architectures; do
        cubin=$out/sm_$architecture.cubin
        rm -f "$cubin"
        if "$ptxas" -arch="sm_$architecture" -o "$cubin" "$here/kernels.ptx" >/dev/null 2>&1; then
            made="$made $architecture"
        fi
    done
fi
{
    for architecture in $made; do
        echo "static const unsigned char sm_$architecture[] __attribute__((aligned(16))) = {"
        echo "#embed \"sm_$architecture.cubin\""
        echo "};"
    done
    echo "const struct Cubin image_cubins[] = {"
    for architecture in $made; do echo "    {$architecture, sm_$architecture},"; done
    echo "    {0, NULL}};"
    echo "const int image_cubin_count = sizeof image_cubins / sizeof image_cubins[0] - 1;"
    echo "#define TINDERBOX_PTXAS_VERSION $version"
} > "$out/cubins.inc.new"
mv "$out/cubins.inc.new" "$out/cubins.inc"
