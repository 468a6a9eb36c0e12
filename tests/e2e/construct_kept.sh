#!/usr/bin/env bash
# Files of a construct.yaml are hashed, listed, in the manifest, repaired and removed; its licence must be accepted; -s.
. "$(dirname "$0")/construct.inc"
quietly "$tinderbox" build ../recipe/construct.yaml -o lab.run
quietly "${offline[@]}" sh lab.run -b -p "$prefix"
"$tinderbox" inspect lab.run --json >lab.json
"$python" - lab.json ../recipe <<'PY'
import json, pathlib, sys
m, recipe = json.load(open(sys.argv[1])), pathlib.Path(sys.argv[2])
carried = {p["name"]: p for p in m["packages"] if p["kind"] == "include"}
assert set(carried) == {"something2.txt", "more_data/README.md", "more_data/something2.md", "more_data/something.md", "more_data/tree", "bin/lab-tool",
                        "share/%", "LICENSE.txt"}, carried
assert all(len(p["sha256"]) == 64 for p in carried.values())
i = m["installer"]
assert (i["version"], i["license"], i["post_install"]) == ("2.5.1", (recipe / "EULA.txt").read_text(), (recipe / "post.sh").read_text()), i
assert i["variables"]["CUSTOM_1"].startswith("FIR$T 'STRING'"), i
assert m["base"] == "none"
PY
sh lab.run --info >info
grep -q '^version  *2.5.1$' info && grep -q '^runs  *post_install (-s leaves it out)$' info || { cat info; fail "--info does not say which scripts run"; }
sh lab.run --list >listed
grep -q '^more_data/README.md .*include' listed || fail "--list"
quietly sh lab.run --integrity -p "$prefix"
echo damage >"$prefix/more_data/README.md"
expect 5 "more_data/README.md" sh lab.run --integrity -p "$prefix"
quietly sh lab.run -b --repair -p "$prefix"
cmp ../recipe/something.txt "$prefix/more_data/README.md" || fail "--repair"
grep -qx damage "$prefix/more_data/README.md.tinderbox-old" || fail "--repair kept nothing of what it replaced"
rm "$prefix/more_data/README.md.tinderbox-old"
quietly sh lab.run -b --uninstall -p "$prefix"
[ ! -e "$prefix/more_data" ] && [ ! -e "$prefix/LICENSE.txt" ] && [ ! -e "$prefix/bin" ] || fail "--uninstall left extra_files"
rm -rf "$prefix"

# The licence is shown and must be accepted, as in constructor's installers. -s runs no script; a failing script is exit
# 10.
sh lab.run --license >licences
grep -m 1 '^====' licences | grep -q '^==== Lab 2.5.1 ====' && grep -q 'Lablicence 7: be kind' licences || fail "--license"
printf '\nno\n' | expect 7 "Lablicence 7" sh lab.run -i -p "$prefix"
[ ! -e "$prefix" ] || fail "a declined licence left files"
printf '\nyes\n' | sh lab.run -i -p "$prefix" >said 2>&1 || { cat said; fail "an accepted licence"; }
grep -q ' SH 0 ' "$prefix/order.txt" || fail "INSTALLER_UNATTENDED of somebody who was asked"
rm -rf "$prefix"
quietly sh lab.run -b -s -p "$prefix"
[ ! -e "$prefix/order.txt" ] && [ -e "$prefix/LICENSE.txt" ] || fail "-s ran a script"
rm -rf "$prefix"
printf 'echo broken lab >&2\nexit 3\n' >../recipe/post.sh
quietly "$tinderbox" build ../recipe/construct.yaml -o broken.run
expect 10 "'post_install.sh' of Lab 2.5.1 failed" sh broken.run -b -p "$prefix"
grep -q 'broken lab' "$prefix/.tinderbox/log" || fail "what a script says is not kept"
rm -rf "$prefix"
