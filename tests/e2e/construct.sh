#!/usr/bin/env bash
# A construct.yaml as its installer: what constructor's documentation promises of extra_files, license_file, pre_install,
# post_install and script_env_variables is what a NAME.run does. CPython and the other packages are real.
. "$(dirname "$0")/common.inc"
conda_channel
mkdir -p "$work/recipe/data/sub" "$work/elsewhere"
cd "$work/recipe"
grep -E '^@|python-3|tinder-post|tinder-text' "$channel/explicit-cpython.txt" >packages.txt
echo one >something.txt
echo two >something2.txt
echo deep >data/sub/deep.txt
printf '#!/bin/sh\nexec "%s" "$@"\n' '$(dirname "$0")/python' >tool.sh
chmod 755 tool.sh
printf 'Lablicence 7: be kind.\n\nWith a second paragraph, “quoted”.\n' >EULA.txt
# What constructor's documentation lists, checked under set -u; the first line is obeyed.
cat >pre.sh <<'SH'
: "${PREFIX:?}" "${INSTALLER_NAME:?}"
echo "pre $PREFIX" >>"$PREFIX/order.txt"
SH
cat >post.sh <<'SH'
#!/bin/bash
set -euo pipefail
[[ $0 != sh ]] && echo "bash ${BASH_VERSION%%.*}" >"$PREFIX/shell.txt"
cat "$PREFIX/share/post-linked" >/dev/null # a package's own script has run by then
{
    echo "post $PREFIX"
    echo "$INSTALLER_NAME $INSTALLER_VER $INSTALLER_PLAT $INSTALLER_TYPE $INSTALLER_UNATTENDED $INSTALLER_PATH"
    echo "$CUSTOM_1"
    echo "$CUSTOM_2"
    echo "$PWD"
    "$PREFIX/bin/python" -c 'import sys; print(sys.prefix)'
} >>"$PREFIX/order.txt"
echo "Read $PREFIX/more_data/README.md first." >"$PREFIX/.messages.txt"
SH
cat >construct.yaml <<'EOF2'
name: Lab
version: 2.5.1
installer_type: all
channels: [conda-forge]
specs: packages.txt
license_file: EULA.txt
welcome_text: hello
extra_files:
  - something2.txt
  - something.txt: more_data/README.md
  - something2.txt: more_data/something2.md
    something.txt: more_data/something.md
  - data: more_data/tree
  - tool.sh: bin/lab-tool
  - something.txt: share/%  # a name with a colon is quoted: "a:b"
pre_install: pre.sh     # [unix]
pre_install: pre.bat    # [win]
post_install: post.sh   # [linux64]
post_install: post.bat  # [win]
script_env_variables:
  CUSTOM_1: FIR$T '\''STRING'\'' WITH SPACES AND @*! "CHARACTERS"
  CUSTOM_2: $HOME `id` \n
EOF2

# From another directory: paths are relative to the construct.yaml's own.
cd "$work/elsewhere"
"$tinderbox" build ../recipe/construct.yaml -o lab.run >said 2>&1 || { cat said; fail "build"; }
grep -q 'construct.yaml:3:.*installer_type' said && grep -q 'construct.yaml:7:.*welcome_text' said || { cat said; fail "what is left out is not listed by name"; }
grep -E 'extra_files|post_install|license_file' said && fail "what is carried is called ignored"
grep -q 'pre_install  *runs when' said || fail "pre_install's time is not said"

# Installed without a network: files, licence, scripts in order, with constructor's variables.
prefix=$work/p/lab
quietly "${offline[@]}" sh lab.run -b -p "$prefix"
cp "$work/log" said
grep -q "a package's script says: Read $prefix/more_data/README.md first." said || { cat said; fail "the messages of post_install"; }
cat >wanted <<EOF2
pre $prefix
post $prefix
Lab 2.5.1 linux-64 SH 1 $work/elsewhere/lab.run
FIR\$T 'STRING' WITH SPACES AND @*! "CHARACTERS"
\$HOME \`id\` \\n
$prefix
$prefix
EOF2
diff wanted "$prefix/order.txt" || fail "what the scripts saw"
grep -q '^bash ' "$prefix/shell.txt" || fail "the first line of post_install is not obeyed"
cmp ../recipe/something2.txt "$prefix/something2.txt" && cmp ../recipe/something.txt "$prefix/more_data/README.md" &&
    cmp ../recipe/something2.txt "$prefix/more_data/something2.md" && cmp ../recipe/something.txt "$prefix/more_data/something.md" &&
    diff -r ../recipe/data "$prefix/more_data/tree" && cmp ../recipe/something.txt "$prefix/share/%" || fail "extra_files"
[ "$(stat -c %a "$prefix/bin/lab-tool")" = 755 ] || fail "the mode of an extra file"
cmp ../recipe/EULA.txt "$prefix/LICENSE.txt" || fail "LICENSE.txt"
[ ! -e "$prefix/pkgs" ] && [ ! -e "$prefix/.tinderbox/post_install.sh" ] || fail "something stayed behind"

# Hashed, listed, in the manifest, repaired, removed.
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
quietly sh lab.run -b --uninstall -p "$prefix"
[ ! -e "$prefix/more_data" ] && [ ! -e "$prefix/LICENSE.txt" ] && [ ! -e "$prefix/bin" ] || fail "--uninstall left extra_files"
rm -rf "$prefix"

# The licence is shown and asked for, as constructor's installers ask; -s runs no script; a failing one is exit 10.
sh lab.run --license >licences
head -n 3 licences | grep -q '^==== Lab 2.5.1 ====' && grep -q 'Lablicence 7: be kind' licences || fail "--license"
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

# Pinned by the lock: the same bytes, and what became other is named. Another checkout asks for the same.
export SOURCE_DATE_EPOCH=1700000000
quietly "$tinderbox" lock ../recipe/construct.yaml -o lab.lock
quietly "$tinderbox" build lab.lock -o a.run
mkdir again
quietly "$tinderbox" build lab.lock -o again/a.run
cmp a.run again/a.run || fail "two builds of one lock differ"
echo '# more' >>../recipe/post.sh
expect 2 "the lock was made with another '$work/recipe/post.sh'" "$tinderbox" build lab.lock -o w.run
sed -i '$d' ../recipe/post.sh
echo more >>../recipe/something.txt
expect 2 "other contents of '$work/recipe/something.txt'" "$tinderbox" build lab.lock -o w.run
cp -r ../recipe ../checkout
"$tinderbox" lock ../checkout/construct.yaml -o copy.lock >said 2>&1 || { cat said; fail "lock of a copy"; }
"$python" -c '
import json
a, b = (json.load(open(f)) for f in ("lab.lock", "copy.lock"))
assert a["sources"][0]["sha256"] == b["sources"][0]["sha256"], "the digest of a request names its directory"'
[ ! -e w.run ] || fail "a failed build left its file"

# Beside a base: the environment's files lie in the environment.
quietly "$python" "$root/tests/fixtures/make_installers.py" "$channel" installers --eras D
quietly "$tinderbox" build ../recipe/construct.yaml --base installers/Labconda-D.sh -o both.run
expect 10 "'post_install.sh' of Lab 2.5.1 failed" sh both.run -b -p "$work/p/both"
cmp ../recipe/something.txt "$work/p/both/envs/Lab/more_data/README.md" && cmp ../recipe/EULA.txt "$work/p/both/envs/Lab/LICENSE.txt" || fail "extra_files beside a base"
grep -q "^post Labconda" "$work/p/both/scripts.log" || fail "the base's own post_install"
sh both.run --license >licences
[ "$(grep -n '^====' licences | head -n 2 | cut -d' ' -f 2,3 | sort | tr '\n' ' ')" = "Lab 2.5.1 Labconda D-1 " ] || fail "both licences: $(grep '^====' licences | head -n 2)"
echo "construct: extra files, licence, scripts and variables as documented; pinned, repaired, removed"
