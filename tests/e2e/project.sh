#!/usr/bin/env bash
# The package of the project that a pyproject.toml or uv.lock belongs to: never left out in silence. And an editable
# installation in a captured environment.
. "$(dirname "$0")/common.inc"
small_wheels
"$python" -c 'import ensurepip, venv' 2>/dev/null || skip "no venv with ensurepip"
cd "$work"
export TINDERBOX_CACHE=$work/cache
unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE

"$python" "$root/tests/fixtures/make_sdists.py" "$work/links"
six=$(ls "$links"/six-*.whl)
mkdir "my lab"
tar xf links/plain-1.0.tar.gz -C "my lab" --strip-components 1
printf '\n[project]\nname = "plain"\nversion = "1.0"\ndependencies = ["six"]\n' >>"my lab/pyproject.toml"
common=(--python-from "$python" --no-index --find-links "$links" --level fast)

expect 2 "'plain' would be left out" "$tinderbox" build "my lab/pyproject.toml" "${common[@]}" -o x.run
expect 2 "--with-project" "$tinderbox" lock "my lab/pyproject.toml" --python-from "$python" --no-index -o x.lock
expect 2 "excludes" "$tinderbox" build "my lab/pyproject.toml" "${common[@]}" --with-project --no-project -o x.run
expect 0 "packages" "$tinderbox" build "my lab/pyproject.toml" "${common[@]}" --no-project --plan
sed 's|^version = .*|version = "../../up"|' "my lab/pyproject.toml" >"my lab/up.toml"
expect 2 "'../../up' is no version" "$tinderbox" build "my lab/up.toml" "${common[@]}" --with-project --plan
rm "my lab/up.toml"
expect 2 "its directory is not known" "$tinderbox" build - "${common[@]}" --plan <"my lab/pyproject.toml"
expect 2 "its directory is not known" "$tinderbox" build <(cat "my lab/pyproject.toml") "${common[@]}" --with-project --plan
expect 0 "packages" "$tinderbox" build - "${common[@]}" --no-project --plan <"my lab/pyproject.toml"
quietly "$tinderbox" build "my lab/pyproject.toml" "${common[@]}" --with-project -o lab.run
sh lab.run -b -p "$work/env" >log 2>&1 || { cat log; fail "installing failed"; }
"$work/env/bin/python" -c 'import plain' || fail "the project is not in its environment"
# Equal files give an equal archive, so that the wheel is not built again.
mkdir again
touch "my lab/backend.py"
quietly "$tinderbox" build "my lab/pyproject.toml" "${common[@]}" --with-project -o again/lab.run
grep -q "building" log && fail "the same project was built twice"
cmp lab.run again/lab.run || fail "the same project gave another installer"
# As uv judges it: without a build backend there is no package.
printf '[project]\nname = "plain"\nversion = "1.0"\ndependencies = ["six"]\n' >pyproject.toml
expect 0 "packages" "$tinderbox" build pyproject.toml "${common[@]}" --plan
printf '[tool.uv]\npackage = true\n' >>pyproject.toml
expect 2 "'plain' would be left out" "$tinderbox" build pyproject.toml "${common[@]}" --plan
# uv writes its project as "editable", and one without a package as "virtual".
lock='version = 1\nrequires-python = ">=3.8"\n\n[[package]]\nname = "plain"\nversion = "1.0"\nsource = { %s = "." }
dependencies = [{ name = "six" }]\n\n[[package]]\nname = "six"\nversion = "1.17.0"\nsource = { path = "%s" }
wheels = [{ filename = "%s", hash = "sha256:%s" }]\n'
lock() { printf "$lock" "$1" "$six" "$(basename "$six")" "$(sha256sum "$six" | cut -d " " -f 1)"; }
lock editable >"my lab/uv.lock"
expect 2 "'plain' would be left out" "$tinderbox" build "my lab/uv.lock" "${common[@]}" --plan
expect 0 "plain" "$tinderbox" build "my lab/uv.lock" "${common[@]}" --with-project --plan
lock virtual >uv.lock
expect 0 "packages" "$tinderbox" build uv.lock "${common[@]}" --plan

"$python" -m venv --without-pip venv
site=$(venv/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
mkdir "$site/plain-1.0.dist-info"
printf 'Name: plain\nVersion: 1.0\n' >"$site/plain-1.0.dist-info/METADATA"
printf '{"url": "file://%s/my%%20lab", "dir_info": {"editable": true}}' "$work" >"$site/plain-1.0.dist-info/direct_url.json"
expect 2 "plain is installed from its source directory" "$tinderbox" build --from-prefix venv --level fast -o x.run
[ ! -e x.run ] || fail "a refused build left a file"
