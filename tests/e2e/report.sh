#!/usr/bin/env bash
# --check on described machines: exit code, verdict and findings of each are those of report.golden.
# TINDERBOX_UPDATE_GOLDEN=1 writes it anew; then read the diff.
. "$(dirname "$0")/report.inc"
installers lab-12

for file in "$root"/tests/fixtures/machines/*.machine; do
    name=$(basename "$file" .machine)
    [ "$name" != not-for-this-user ] || continue # root may open every node
    machine "$name"
    status=0
    env "${variables[@]}" sh lab-12.run --check --json >report.json 2>/dev/null || status=$?
    "$python" -c '
import json, sys
name, status, path = sys.argv[1:]
report = json.load(open(path))
assert report["exit_code"] == int(status), (name, report["exit_code"], status)
findings = [f["severity"] + ":" + f["id"] for f in report["preflight"]["findings"] if f["id"].startswith("gpu")]
print(name, status, report["preflight"]["gpu"]["verdict"].replace(" ", "-"), *findings)
' "$name" "$status" report.json >>verdicts || fail "$name"
done
LC_ALL=C sort -o verdicts verdicts
[ -z "${TINDERBOX_UPDATE_GOLDEN:-}" ] || cp verdicts "$root/tests/e2e/report.golden"
diff "$root/tests/e2e/report.golden" verdicts || fail "a machine is judged otherwise"

machine laptop-nouveau
run 3 lab-12.run --check --report check.html
grep -qF "is driven by nouveau" check.html && grep -qF "gpu-nouveau" check.html || fail "the page of --check lacks the finding"
says '"id": "gpu-nouveau"'
machine libcuda-is-a-text
run 3 lab-12.run --check
says '"libcuda_defect": "it is a text"'
