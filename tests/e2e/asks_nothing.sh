#!/usr/bin/env bash
# A SPEC that asks for nothing is exit code 2 for every command that reads it, and no server is asked.
. "$(dirname "$0")/common.inc"
cd "$work"
bad=$root/tests/unit/spec/bad
small_wheels
for spec in env-no-packages.yml env-misspelt-key.yml env-key-case.yml req-only-comments.txt req-empty.txt req-only-options.txt \
    explicit-no-url.txt pixi-no-packages.lock conda-lock-no-packages.yml pylock-empty.toml construct-no-packages.yaml \
    construct-misspelt.yaml pyproject-misspelt.toml; do
    cp "$bad/$spec" .
    for command in "build --plan" build lock "build --python-from $python" inspect "inspect --json" diff "sbom --format spdx"; do
        output=()
        case $command in build | *python-from* | lock) output=(-o x.lock) ;; diff) output=("$spec") ;; esac
        expect 2 "$spec" "${offline[@]}" "$tinderbox" $command "$spec" "${output[@]}"
        [ ! -e x.lock ] || fail "$command $spec left a file"
    done
done
expect 2 "'dependencies'" "$tinderbox" inspect env-misspelt-key.yml
expect 2 "'packages' in line 3" "$tinderbox" inspect env-no-packages.yml
echo '{"tinderbox_lock": 1, "name": "x", "platform": "linux-64", "target_glibc": "2.28", "bytecode": "build", "source_mtime": 315532800, "channels": [], "indexes": [], "insecure_hosts": [], "request": [], "variables": {}, "artifacts": []}' >empty.lock
expect 2 "no artifacts" "$tinderbox" build empty.lock -o x.run
# Beside a request for packages such a file may stand.
expect 0 six "$tinderbox" build req-only-options.txt --pip six==1.17.0 --find-links "$links" --python-from "$python" --plan
# The nearest word.
expect 2 "'build'" "$tinderbox" buld x
expect 2 "tinderbox build --help" "$tinderbox" build x --pln
expect 2 "--pip 'numpy'" "$tinderbox" build numpy
# mamba's selectors.
printf 'dependencies:\n  - sel(linux): a\n  - sel(osx): b\n  - sel(unix): c\n  - sel(win): d\n' >sel.yml
"$tinderbox" inspect sel.yml --json | python3 -c 'import json, sys
said = json.load(sys.stdin)
assert [row["name"] for row in said["conda"]] == ["a", "c"], said
assert [row["what"] for row in said["ignored"]] == ["sel(osx): b", "sel(win): d"], said'
