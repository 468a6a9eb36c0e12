#!/usr/bin/env bash
# Names from requests, locks and the command line that a shell, a prompt or a directory would take for more than a name.
. "$(dirname "$0")/hostile.inc"
tiny_run
quietly "$tinderbox" lock list.txt --name tiny -o good.lock
build() { expect 2 "$@" -o bad.run; [ ! -e bad.run ] || fail "a failed build left its file: $*"; }

# lock PYTHON TEXT: the lock with this change.
lock() {
    "$python" -c 'import json, sys
lock = json.load(open("good.lock"))
exec(sys.argv[1])
json.dump(lock, open("bad.lock", "w"))' "$1"
    build "$2" "$tinderbox" build bad.lock
}
lock 'lock["variables"] = {"A;touch x;B": "1"}' "cannot be a variable's name"
lock 'lock["variables"] = {"A": "1\nTINDERBOX_TEXT\ntouch x"}' "line end"
lock 'lock["variables"] = {"A": "\x01"}' "control character"
lock 'lock["installer"] = {"version": "1", "variables": {"A`id`": "1"}}' "cannot be a variable's name"
lock 'lock["name"] = "../x"' "cannot be an environment's name"
lock 'lock["name"] = "a$(touch x)"' "cannot be an environment's name"
lock 'lock["artifacts"][0]["file_name"] = ".."' "is no file name"
lock 'lock["artifacts"][0]["file_name"] = "a\nb"' "is no file name"
lock 'lock["includes"] = [{"path": "/etc/hostname", "destination": ".tinderbox/x", "sha256": "0" * 64, "in_prefix": True}]' "the installer's own"

for name in '../x' 'a b' '$(touch x)' '`touch x`' "a'b" $'a\nb' '.x' '-x' $'a\e[0m' "$(printf 'x%.0s' {1..201})"; do
    "$python" -c 'import json, sys; print("name:", json.dumps(sys.argv[1])); print("dependencies: [python]")' "$name" >environment.yml
    build "environment.yml:1" "$tinderbox" build environment.yml
    build "name" "$tinderbox" build list.txt "--name=$name"
done
printf 'name: tiny\nvariables:\n  "A;B": 1\ndependencies: [python]\n' >environment.yml
build "environment.yml:3" "$tinderbox" build environment.yml
printf 'name: tiny\nvariables:\n  A: "x\\ny"\ndependencies: [python]\n' >environment.yml
build "line end" "$tinderbox" build environment.yml
printf 'name: a/b\nversion: 1\nspecs: [python]\n' >construct.yaml
build "construct.yaml:1" "$tinderbox" build construct.yaml
printf 'name: ok\nversion: 1\nspecs: [python]\nscript_env_variables:\n  A B: x\n' >construct.yaml
build "construct.yaml:5" "$tinderbox" build construct.yaml
for output in ..run ...run 'a:b.run' $'a\nb.run' .run; do
    expect 2 "name" "$tinderbox" build list.txt -o "$output"
    [ ! -e "$output" ] || fail "a failed build left '$output'"
done

# What a value may hold, activation gives back as it is.
value='it'\''s "$(touch pwned)" `touch pwned` \ ! $HOME @PREFIX@ @NAME@'
"$python" -c 'import json, sys
lock = json.load(open("good.lock"))
lock["variables"] = {"ODD": sys.argv[1]}
json.dump(lock, open("odd.lock", "w"))' "$value"
quietly "$tinderbox" build odd.lock -o odd.run
quietly sh odd.run -b -p "$work/odd"
for shell in "${shells[@]}"; do
    found=$($shell -c '. ./odd/bin/activate; printf %s "$ODD"')
    [ "$found" = "$value" ] && [ ! -e pwned ] || fail "$shell: '$found'"
done
