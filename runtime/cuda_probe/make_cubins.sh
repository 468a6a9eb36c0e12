#!/bin/sh
# make_cubins.sh OUTDIR [PTXAS…]: assembles kernels.ptx into machine code and writes OUTDIR/cubins.inc, which images.c
# includes. For each architecture it uses the first PTXAS that knows it. Name the oldest toolkit first: a driver loads
# machine code of its own CUDA major and of older ones. An architecture that no PTXAS knows gets no machine code; the
# PTX text runs there, too.
set -eu

out=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"

# One for each major is enough, because machine code runs on later minors of its major. 7.5 is added for builds whose
# only ptxas is of CUDA 13. 8.7, 8.8 and 11.0 are the Jetson and Thor chips, which have no x86-64 host.
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
