#!/usr/bin/env bash
# Measures time and size of building one file: Tinderbox and its peers in one run.
#
#   tests/bench/build.sh WHEELHOUSE WORKDIR [RUNS]
#
# WHEELHOUSE  a folder of wheels, all of which are installed, and EXTRA (environment), a requirement of one small wheel
#             in it that the second build adds
# WORKDIR     a scratch folder on the disk under test; holds several times the size of the tree
#
# STEPS (environment) chooses: ours (first build, rebuild, copy of the file), tar, makeself, pex, max (NAME.run at --level
# max and tar | zstd -19 --long=27: minutes for each GB). Every time includes `sync -f`.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/tests/bench/inputs.inc"
wheels=$(realpath "${1:?WHEELHOUSE}") work=$(realpath "${2:?WORKDIR}") runs=${3:-1}
tinderbox=${TINDERBOX:-$root/build/release/tinderbox}
python=${PYTHON:-python3.11}
pex=${PEX:-pex}
steps=${STEPS:-ours tar makeself pex}
extra=${EXTRA:-iniconfig}
export LC_ALL=C TINDERBOX_CACHE=$work/cache
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PYTHONDONTWRITEBYTECODE
mkdir -p "$work"
rows=$work/build.tsv
: >"$rows"

cold() {
    sync
    echo 3 >/proc/sys/vm/drop_caches 2>/dev/null || true
    sleep 1
}
# measure NAME FILE command…: one row: name, seconds with sync, peak RSS in MiB, bytes of FILE ("-": none)
measure() {
    local name=$1 file=$2 start end status=0
    shift 2
    cold
    start=$EPOCHREALTIME
    /usr/bin/time -f '%M %U %S' -o "$work/rss" "$@" >"$work/log.build" 2>&1 </dev/null || status=$?
    sync -f "$work"
    end=$EPOCHREALTIME
    [ "$status" = 0 ] || { echo "$name failed ($status):" >&2; tail -n 5 "$work/log.build" >&2; return 1; }
    awk -v n="$name" -v a="$start" -v b="$end" -v r="$(tail -n 1 "$work/rss")" -v s="$(stat -c %s "$file" 2>/dev/null || echo 0)" \
        'BEGIN { split(r, t, " "); printf "%s\t%.2f\t%.0f\t%s\t%.1f\n", n, b - a, t[1] / 1024, s, t[2] + t[3] }' | tee -a "$rows"
}
# Every wheel of the folder as an exact requirement, without the extra one.
exact_requirements "$wheels" "$extra" >"$work/list.txt"
ours() { # OUTPUT ARGUMENTS…
    "$tinderbox" build "$work/list.txt" --python-from "$python" --target-glibc "$(getconf GNU_LIBC_VERSION | cut -d " " -f 2)" --no-index \
        --find-links "$wheels" -o "$@"
}
export -f ours
export tinderbox work python wheels
tree() { # the installed tree, with its bytecode
    [ -e "$work/tree" ] || sh "$work/ours.run" --extract "$work/tree" >/dev/null 2>&1
}
wants() { case " $steps " in *" $1 "*) return 0 ;; esac; return 1; }

rm -rf "$TINDERBOX_CACHE" "$work/tree"
if wants ours; then
    for ((run = 1; run <= runs; run++)); do
        rm -rf "$TINDERBOX_CACHE"
        measure "first build" "$work/ours.run" bash -c 'ours "$work/ours.run"'
        measure "rebuild, one small wheel more" "$work/again.run" bash -c "ours \"\$work/again.run\" --pip $extra"
        measure "O_DIRECT copy of NAME.run" "$work/copy" dd if="$work/ours.run" of="$work/copy" bs=4M iflag=direct oflag=direct status=none
        rm -f "$work/copy" "$work"/again.run*
    done
else
    ours "$work/ours.run" >"$work/log.build" 2>&1
fi
tree
if wants tar; then
    measure "tar | zstd -3" "$work/tree.tar.zst" bash -c 'tar -C "$0/tree" -cf - . | zstd -q -3 -T0 -f -o "$0/tree.tar.zst"' "$work"
fi
if wants makeself; then
    if command -v makeself >/dev/null; then
        measure "makeself --zstd" "$work/makeself.run" makeself --nox11 --zstd --threads "$(nproc)" "$work/tree" "$work/makeself.run" bench true || true
        rm -f "$work/makeself.run"
    else
        echo "makeself is not installed" >&2
    fi
fi
if wants pex; then
    if command -v "$pex" >/dev/null; then
        measure "pex" "$work/out.pex" env PEX_ROOT="$work/pex-root" "$pex" --python "$python" --no-pypi --no-index --find-links "$wheels" \
            --no-build -r "$work/list.txt" -o "$work/out.pex" || true
        rm -rf "$work/out.pex" "$work/pex-root"
    else
        echo "pex is not installed" >&2
    fi
fi
if wants max; then
    measure "NAME.run --level max" "$work/max.run" bash -c 'ours "$work/max.run" --level max'
    measure "tar | zstd -19 --long=27" "$work/max.tar.zst" bash -c 'tar -C "$0/tree" -cf - . | zstd -q -19 --long=27 -T0 -f -o "$0/max.tar.zst"' "$work"
    rm -f "$work/max.tar.zst" "$work"/max.run*
fi
rm -rf "$work/tree" "$work/tree.tar.zst"

"$python" - "$rows" "$(du -cb "$wheels"/*.whl | tail -n 1 | cut -f 1)" <<'END2'
import statistics, sys
rows = {}
for line in open(sys.argv[1]):
    name, seconds, rss, size, cpu = line.split("\t")
    rows.setdefault(name, []).append((float(seconds), int(rss), int(size), float(cpu)))
median = {name: statistics.median(r[0] for r in values) for name, values in rows.items()}
size = {name: values[-1][2] for name, values in rows.items()}
def ratio(a, b, of):
    return f"{of[a] / of[b]:.3f} ×" if a in of and b in of and of[b] else ""
print(f"\nwheels: {int(sys.argv[2]):,} bytes\n")
print("| | median s | CPU s | runs | peak MiB | bytes | |\n|---|---|---|---|---|---|---|")
for name, values in rows.items():
    words = {"rebuild, one small wheel more": f"{ratio(name, 'O_DIRECT copy of NAME.run', median)} the copy",
             "first build": f"{ratio(name, 'tar | zstd -3', size)} the size of tar | zstd -3" if "tar | zstd -3" in size else "",
             "NAME.run --level max": f"{ratio(name, 'tar | zstd -19 --long=27', size)} the size of tar | zstd -19 --long=27"}.get(name, "")
    if name in ("makeself --zstd", "pex") and "first build" in median:
        words = f"takes {ratio(name, 'first build', median)} as long as the first build"
    name_shown, words = name.replace("|", "\\|"), words.replace("|", "\\|")
    print(f"| {name_shown} | {median[name]:.1f} | {statistics.median(r[3] for r in values):.1f} | {len(values)} | {max(r[1] for r in values)} | {size[name]:,} | {words} |")
END2
