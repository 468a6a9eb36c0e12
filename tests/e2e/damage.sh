#!/usr/bin/env bash
# A truncated or modified NAME.run: exit 4, the damaged part is named, and no file remains.
. "$(dirname "$0")/common.inc"
small_wheels
cd "$work"
make_run good.run six==1.17.0 numpy==2.2.6
size=$(stat -c %s good.run)

nothing_left() { [ ! -e p ] && [ -z "$(find . -maxdepth 1 -name '.p*')" ] || fail "something is left behind: $(ls -a)"; }

# Truncated copies, from one byte less to less than the header.
for share in 99.99 90 50 10 1; do
    cut=$(awk -v s="$size" -v p="$share" 'BEGIN { printf "%d", s * p / 100 }')
    head -c "$cut" good.run >cut.run
    expect 4 "incomplete: $cut of $size bytes" sh cut.run -b -p "$work/p"
    nothing_left
done
head -c $((size - 1)) good.run >cut.run
expect 4 "incomplete" sh cut.run -b -p "$work/p"
rm cut.run

# A byte flipped in every section.
"$tinderbox" inspect good.run --json >manifest.json
python3 - manifest.json >sections <<'END'
import json, sys
for s in json.load(open(sys.argv[1]))["sections"]:
    if s["size"] and s["name"] not in ("signature",):
        for part in (0.1, 0.5, 0.9):
            print(s["name"], s["offset"] + int(s["size"] * part))
END
while read -r section offset; do
    cp good.run bad.run
    python3 "$root/tests/tools/flip.py" bad.run "$offset"
    expect 4 "damaged" "$tinderbox" verify bad.run
    case $section in
        probe:* | padding | licenses) continue ;;
        header | stub | manifest | table | footer | blocks) expect 4 "damaged" sh bad.run -b -p "$work/p"; nothing_left ;;
    esac
done <sections
