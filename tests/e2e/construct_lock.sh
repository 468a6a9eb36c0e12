#!/usr/bin/env bash
# A construct.yaml pinned by a lock: the same bytes, and changed files are named. Beside a base: the files lie in the
# environment.
. "$(dirname "$0")/construct.inc"
# Two builds of one lock give the same bytes; a changed file is named. Another checkout has the same request digest.
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

# With a base a post_install fails, and the files lie in the environment.
printf 'echo broken lab >&2\nexit 3\n' >../recipe/post.sh
conda_installers
quietly "$tinderbox" build ../recipe/construct.yaml --base "$installers/Labconda-D.sh" -o both.run
expect 10 "'post_install.sh' of Lab 2.5.1 failed" sh both.run -b -p "$work/p/both"
cmp ../recipe/something.txt "$work/p/both/envs/Lab/more_data/README.md" && cmp ../recipe/EULA.txt "$work/p/both/envs/Lab/LICENSE.txt" || fail "extra_files beside a base"
grep -q "^post Labconda" "$work/p/both/scripts.log" || fail "the base's own post_install"
sh both.run --license >licences
[ "$(grep -n '^====' licences | head -n 2 | cut -d' ' -f 2,3 | sort | tr '\n' ' ')" = "Lab 2.5.1 Labconda D-1 " ] || fail "both licences: $(grep '^====' licences | head -n 2)"
