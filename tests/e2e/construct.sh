#!/usr/bin/env bash
# A construct.yaml as an installer: extra_files, license_file, pre_install, post_install and script_env_variables work
# as constructor documents them. It is built from another directory, because its paths are relative to the
# construct.yaml.
. "$(dirname "$0")/construct.inc"
"$tinderbox" build ../recipe/construct.yaml -o lab.run >said 2>&1 || { cat said; fail "build"; }
grep -q 'construct.yaml:3:.*installer_type' said && grep -q 'construct.yaml:7:.*welcome_text' said || { cat said; fail "what is left out is not listed by name"; }
grep -E 'extra_files|post_install|license_file' said && fail "what is carried is called ignored"
grep -q 'pre_install  *runs when' said || fail "pre_install's time is not said"

# Installs without network: files, licence, scripts in order, with constructor's variables.
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
