"""Compares the answers of conda about two trees, a file for each answer (tests/e2e/full/conda_base.sh).

    compare_conda_answers.py THEIRS OURS

Prints each difference with its reason. Exit 1 for a difference without a reason, or when conda finds a problem in ours.
"""
import difflib
import re
import sys
from pathlib import Path

theirs, ours = map(Path, sys.argv[1:3])
# (answers, the pattern of lines that may differ, the reason)
REASONS = [
    ("clone", r"[-+]Files: \d+", "a clone takes our activation scripts along"),
    ("env-list", r'[-+] +"(created|last_modified)": .*', "times come from the history's: conda's are those of the installation, ours the lock's"),
]
problems, justified, equal = [], {}, 0
for name in sorted({p.name for p in (*theirs.iterdir(), *ours.iterdir())}):
    a, b = ((where / name).read_text().split("\n") if (where / name).exists() else None for where in (theirs, ours))
    if a is None or b is None:
        problems.append(f"{name}: asked of one only")
        continue
    if "doctor" in name and any("\u274c" in line for line in b):
        problems.append(f"{name}: conda complains:\n" + "\n".join(b))
    if a == b:
        equal += 1
        continue
    if "from-history" in name and sorted(a) == sorted(b):
        justified.setdefault("--from-history names what was asked for in the request's order, after conda in its solver's", set()).add(name)
        continue
    for line in difflib.unified_diff(a, b, lineterm="", n=0):
        if line.startswith(("---", "+++", "@@")) or not line[1:].strip():
            continue
        for answers, pattern, why in REASONS:
            if re.fullmatch(answers, name) and re.fullmatch(pattern, line):
                justified.setdefault(why, set()).add(name)
                break
        else:
            problems.append(f"{name}: {line}")
for why, names in sorted(justified.items()):
    print(f"justified: {why}: {', '.join(sorted(names))}")
for problem in problems[:80]:
    print("DIFFERENCE:", problem)
print(f"{equal} answers are the same, {len(problems)} differences have no reason")
sys.exit(bool(problems))
