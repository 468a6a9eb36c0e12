"""Compares a prefix that Tinderbox installed with a virtual environment that pip filled from the same wheels.

    compare_with_pip.py VENV PREFIX

Compares every file below site-packages and every script: content, mode, links, RECORD. Prints each difference; exit 1 when
docs/measured/comparison.md does not justify one of them.
"""
import csv
import hashlib
import os
import re
import stat
import sys
import sysconfig

venv, prefix = map(os.path.abspath, sys.argv[1:])
version = "python%d.%d" % sys.version_info[:2]
site = os.path.join("lib", version, "site-packages")


def tree(root):
    out = {}
    for directory, names, files in os.walk(os.path.join(root, site)):
        for name in files:
            path = os.path.join(directory, name)
            out[os.path.relpath(path, root)] = path
    return out


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


problems, justified = [], {}


def note(reason, path):
    justified.setdefault(reason, []).append(path)


theirs, ours = tree(venv), tree(prefix)
scripts = {}
# Only those of site-packages itself: some packages contain others (setuptools/_vendor).
distributions = {match.group(0) for match in (re.match(r"lib/[^/]+/site-packages/[^/]+\.dist-info(?=/)", path) for path in theirs)
                 if match}
for record in sorted(path + "/RECORD" for path in distributions):
    rows = {row[0]: row for row in csv.reader(open(theirs[record], newline=""))}
    mine = {row[0]: row for row in csv.reader(open(ours[record], newline=""))} if record in ours else {}
    for name in sorted(set(rows) ^ set(mine)):
        problems.append(f"{record}: the row {name!r} is only in {'pip' if name in rows else 'our'} RECORD")
    for name in sorted(set(rows) & set(mine)):
        if name.startswith("../"):
            scripts[os.path.normpath(os.path.join(site, name))] = True
        if rows[name] == mine[name]:
            continue
        path = os.path.normpath(os.path.join(site, name))
        if os.path.basename(name) == "INSTALLER":
            note("INSTALLER says who installed it", path)
        elif name.startswith("../"):
            note("scripts hold the interpreter's path, and RECORD their hash", path)
        elif path.endswith(".pyc") and mine[name][1:] == ["", ""]:
            note("bytecode that a wheel ships is compiled anew by pip, too, but pip's RECORD keeps the old hash", path)
        else:
            problems.append(f"{record}: {name}: {rows[name][1:]} with pip, {mine[name][1:]} with us")
    # Our RECORD must describe our files.
    for name, sha, size in mine.values():
        path = os.path.normpath(os.path.join(prefix, site, name))
        if not os.path.exists(path):
            problems.append(f"{record}: {name} is listed and not there")
        elif sha:
            import base64
            with open(path, "rb") as file:
                data = file.read()
            found = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            if sha != "sha256=" + found or int(size) != len(data):
                problems.append(f"{record}: {name} is not what RECORD says")

for path in sorted(set(theirs) - set(ours)):
    problems.append(f"{path}: only with pip")
for path in sorted(set(ours) - set(theirs)):
    problems.append(f"{path}: only with us")
for path in sorted(set(theirs) & set(ours)):
    a, b = os.lstat(theirs[path]), os.lstat(ours[path])
    if stat.S_IFMT(a.st_mode) != stat.S_IFMT(b.st_mode):
        problems.append(f"{path}: another kind of file")
    elif stat.S_IMODE(a.st_mode) != stat.S_IMODE(b.st_mode):
        problems.append(f"{path}: mode {stat.S_IMODE(a.st_mode):o} with pip, {stat.S_IMODE(b.st_mode):o} with us")
    if path.endswith(".pyc"):
        with open(ours[path], "rb") as file:
            header = file.read(16)
        source = os.path.join(os.path.dirname(os.path.dirname(ours[path])), os.path.basename(path).split(".")[0] + ".py")
        if os.path.exists(source):
            info = os.stat(source)
            if int.from_bytes(header[8:12], "little") != int(info.st_mtime) & 0xFFFFFFFF or \
                    int.from_bytes(header[12:16], "little") != info.st_size & 0xFFFFFFFF:
                problems.append(f"{path}: does not belong to its source")
        note("bytecode names its source's time, which is fixed here", path)
    elif digest(theirs[path]) != digest(ours[path]):
        if os.path.basename(path) == "INSTALLER":
            note("INSTALLER says who installed it", path)
        elif path.endswith(".dist-info/RECORD"):
            note("RECORD: compared row by row", path)
        else:
            problems.append(f"{path}: other content")

for script in sorted(scripts):
    a, b = os.path.join(venv, script), os.path.join(prefix, script)
    if not os.path.exists(a) or not os.path.exists(b):
        continue
    if stat.S_IMODE(os.stat(a).st_mode) != stat.S_IMODE(os.stat(b).st_mode):
        problems.append(f"{script}: mode {stat.S_IMODE(os.stat(a).st_mode):o} with pip, {stat.S_IMODE(os.stat(b).st_mode):o} with us")

print(f"{len(theirs)} files with pip, {len(ours)} with us, {len(distributions)} distributions, {len(scripts)} scripts")
for reason, paths in sorted(justified.items()):
    print(f"  differs, as wanted: {len(paths):5}  {reason}")
for problem in problems[:40]:
    print("  DIFFERENT:", problem)
if len(problems) > 40:
    print(f"  … and {len(problems) - 40} more")
sys.exit(bool(problems))
