#!/bin/sh
# make_cubins.sh OUTDIR [PTXAS…]: assembles kernels.ptx into machine code and writes OUTDIR/cubins.inc, which
# images.c includes. For each architecture the first PTXAS that knows it is used: name the oldest toolkit first, because
# a driver loads the machine code of its own CUDA major and of older ones. Without a PTXAS, or for an architecture that
# none knows, there is no machine code and the probe has the PTX text alone, which runs everywhere too.
set -eu

out=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"

# One a major is enough: machine code runs on later minors of its own major. 7.5 stands beside 7.0 for builds that have
# only a ptxas of CUDA 13. 8.7, 8.8 and 11.0 are the Jetson and Thor chips, which have no x86-64 host.
architectures="35 50 60 70 75 80 90 100 120"
made=
newest=0
for architecture in $architectures; do
    cubin=$out/sm_$architecture.cubin
    rm -f "$cubin"
    for ptxas in "$@"; do
        "$ptxas" -arch="sm_$architecture" -o "$cubin" "$here/kernels.ptx" >/dev/null 2>&1 || continue
        release=$("$ptxas" --version | sed -n 's/.*release \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
        version=$((${release% *} * 1000 + ${release#* } * 10))
        [ "$version" -le "$newest" ] || newest=$version
        made="$made $architecture:$version"
        break
    done
done
{
    for one in $made; do
        echo "static const unsigned char sm_${one%:*}[] __attribute__((aligned(16))) = {"
        echo "#embed \"sm_${one%:*}.cubin\""
        echo "};"
    done
    echo "const struct Cubin image_cubins[] = {"
    for one in $made; do echo "    {${one%:*}, ${one#*:}, sm_${one%:*}},"; done
    echo "    {0, 0, NULL}};"
    echo "const int image_cubin_count = sizeof image_cubins / sizeof image_cubins[0] - 1;"
    echo "#define TINDERBOX_PTXAS_VERSION $newest"
} > "$out/cubins.inc.new"
mv "$out/cubins.inc.new" "$out/cubins.inc"
