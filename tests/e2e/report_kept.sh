#!/usr/bin/env bash
# What is said, and where: the headline tells the worst, --quiet says nothing, --log has everything, and the report of an
# installation stays when others are made. Reports name their machine, unless --no-host forbids it. An installation ends
# with the next steps.
. "$(dirname "$0")/common.inc"
small_wheels
cd "$work"
make_run lab.run six==1.17.0 pygments==2.19.2
env=$work/env
host=$(uname -n)
member() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }

# --quiet: not a byte while all is well; --log has the table, the notes and the results.
sh lab.run -b -p "$env" --quiet --log install.log --report reports/ >out 2>err || { cat err; fail "--quiet: exit $?"; }
[ ! -s out ] && [ ! -s err ] || { cat out err; fail "--quiet says something"; }
for words in "installing" "lab: installed in '$env'" "Installation" "source $env/bin/activate"; do
    grep -qF "$words" install.log || { cat install.log; fail "'$words' is not in the log"; }
done
sh lab.run -b --integrity -p "$env" --quiet >out 2>err && [ ! -s out ] && [ ! -s err ] || fail "--integrity --quiet says something"
sh lab.run -b --check -p "$work/new" --log check.log >out 2>/dev/null
grep -qF "this machine can run it" check.log || fail "the table is not in the log"

# One file a host; the machine is in the report.
[ "$(ls reports | xargs)" = "$(LC_ALL=C; printf '%s\n' "$host.html" "$host.json" | sort | xargs)" ] || fail "reports: $(ls reports)"
python3 - "reports/$host.json" "$host" <<'PY'
import json, os, sys
host = json.load(open(sys.argv[1]))["host"]
assert host["name"] == sys.argv[2], host
assert host["cpus"] == open("/proc/cpuinfo").read().count("processor\t:") and host["memory_bytes"] > 2**26, host
PY
grep -qF "<dd>$host</dd>" "reports/$host.html" || fail "the page does not name the host"
expect 2 "--no-host" sh lab.run -b --check -p "$env" --no-host --report reports/
quietly sh lab.run -b --verify-only -p "$env" --no-host --report page.html
! grep -qF "$host" page.html || fail "--no-host names the host"

# The installation's report stays; the last verification lies beside it.
[ "$(member env/.tinderbox/report.json mode) $(member env/.tinderbox/verification.json mode)" = "install verify-only" ] || fail "the report of the installation is gone"
grep -q '"name": "extract"' env/.tinderbox/report.json || fail "the stages are gone"
quietly sh lab.run -b -p "$env"
grep -q '"already_complete": false' env/.tinderbox/report.json || fail "a second run replaced the installation's report"

# The worst is in the headline, and a reason is said once.
mkdir shadow
for module in six pygments; do echo 'raise ImportError("shadowed")' >"shadow/$module.py"; done
status=0
PYTHONPATH=$work/shadow sh lab.run -b --verify-only -p "$env" >out 2>err || status=$?
[ "$status" = 10 ] || { cat out err; fail "exit $status instead of 10"; }
grep -qx "lab: does not work as it should; 2 imports fail in your shell" out || { cat out; fail "the headline"; }
[ "$(cat out err | grep -c 'import six failed')" = 1 ] || { cat out err; fail "one failure is said more than once"; }
PYTHONPATH=$work/shadow sh lab.run -b --verify-only -p "$env" --quiet >out 2>err || true
[ ! -s out ] && [ "$(grep -c '^error: .*import six failed' err)" = 1 ] || { cat out err; fail "--quiet hides an error"; }

# The next steps, in columns, on standard output; --json and the page have them, too. --log has questions and answers.
mkdir course
echo notebook >course/a.ipynb
quietly "$tinderbox" build requirements.txt --python-from "$python" --no-index --find-links "$links" --name class --include course -o class.run
new="$work/a place"
printf '\nyes\n' | TZ=CET-1 sh class.run -i -p "$new" --log asked.log >out 2>err || { cat err; fail "an installation that asks"; }
cat >steps <<END
Next
  included     $new/share/class/course
  activate     source '$new/bin/activate'
  start        python
END
tail -n 4 out | diff steps - || fail "the next steps"
for words in "Do you accept the license terms" "yes" "  start        python"; do grep -qF -- "$words" asked.log || { cat asked.log; fail "'$words' is not in the log"; }; done
quietly sh class.run -b -p "$new" --json
grep -q '"start": "python"' "$work/log" && ! grep -q "^Next" "$work/log" || { cat "$work/log"; fail "--json and the next steps"; }
python3 - "$new/.tinderbox" <<'PY'
import json, re, sys
report, page = json.load(open(sys.argv[1] + "/report.json")), open(sys.argv[1] + "/report.html").read()
assert report["local_time"]["zone"] == "CET" and report["local_time"]["time"].endswith("+01:00"), report["local_time"]
shown = re.sub(r"<style>.*?</style>|<details>.*?</details>", "", page, flags=re.S)
for words in ["<span>Works</span>", report["summary"].replace("'", "&#39;"), report["included"][0], "CET (UTC+01:00)", report["created"].replace("T", " ")[:-1] + " UTC"]:
    assert words in shown, words
for words in ["docs/", "xit code", report["installer"]["manifest_sha256"]] + [p["sha256"] for p in report["packages"] if p["sha256"]]:
    assert words not in shown, words
PY

# --info has one row for all libraries, --license the packages before the texts.
sh class.run --license >licences
[ "$(sed -n '1,/^====/p' licences | grep -c '^six  *1.17.0  *MIT$')" = 1 ] || { head licences; fail "--license does not begin with the packages"; }
[ "$(sh class.run --info | grep -c '^needs librar')" -le 1 ] || fail "--info has a row for each library"

quietly sh lab.run -b --uninstall -p "$env"
[ ! -e "$env" ] || fail "--uninstall left $(find "$env")"
