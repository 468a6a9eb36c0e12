#!/usr/bin/env bash
# Texts of packages reach a terminal with their control characters shown: escape sequences, line ends that forge rows, C1,
# bidirectional controls, bytes that are no UTF-8.
. "$(dirname "$0")/hostile.inc"
conda_channel
cd "$work"
printf '@EXPLICIT\n%s\n' "$channel/linux-64/python-3.11.7-stub_0_cpython.conda" "$work/bad-1.0-0.tar.bz2" >list.txt
"$python" "$root/tests/tools/make_hostile_package.py" conda 'share/bad' \
    'License: MIT\x1b]0;owned\x07\x1b[2J\nforged 1.0\x9b31m\u202egpj.exe'
quietly "$tinderbox" build list.txt --name tiny -o tiny.run
cp log said

# clean COMMAND…: nothing that a terminal would obey, in what it says to either output.
clean() {
    "$@" >said 2>&1 || true
    only_visible "$*"
}
only_visible() {
    "$python" - "$1" <<'END'
import sys, unicodedata
text = open("said", "rb").read().decode()
bad = {c for c in text if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")}
assert not bad, (sys.argv[1], bad)
END
}
only_visible "tinderbox build"
clean sh tiny.run --list
grep -qF 'MIT\x1b]0;owned\x07\x1b[2J\x0aforged 1.0\u009b31m\u202egpj.exe' said || { cat said; fail "the licence is not shown"; }
[ "$(grep -c '^forged' said)" = 0 ] || fail "a line end forged a row"
for command in --list --info --license --check "--list --json" "--info --json"; do clean sh tiny.run $command; done
sh tiny.run --list --json | "$python" -c 'import json, sys
assert any(p["license"].startswith("MIT\x1b]0;owned") and "\u202e" in p["license"] for p in json.load(sys.stdin))'
quietly sh tiny.run -b -p "$work/prefix" --report "$work/report.html" --log "$work/install.log"
for file in report.html prefix/.tinderbox/report.html install.log; do
    cp "$file" said
    only_visible "$file"
done
clean ./prefix/.tinderbox/stub --list

# Names on the command line and in messages, and bytes that are no UTF-8.
clean "$tinderbox" build $'no\e[2Jsuch\x9bfile\n.txt' -o x.run
grep -qF 'no\x1b[2Jsuch\x9bfile' said || { cat said; fail "the name is not shown"; }
clean "$tinderbox" verify $'\e[31mx.run'
clean sh tiny.run $'--no\e[2Jsuch'
printf 'six==1.0 ; \033[2J\n' >r.txt
clean "$tinderbox" lock r.txt --no-index -o x.lock
printf 'name: tiny\ndependencies: [python]\nb\033d\302\233: 1\n' >environment.yml
clean "$tinderbox" build environment.yml --no-index -o x.run
