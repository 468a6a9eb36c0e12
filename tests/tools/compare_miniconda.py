#!/usr/bin/env python3
"""Compares a complete, published Miniconda prefix with Tinderbox's installation of the same packages.

    compare_miniconda.py TREE WORK TINDERBOX [--python EXE]

TREE is a checkout of such a prefix (conda-meta, and pkgs with archives, extracted packages, records). An installer is made of
its packages, with its own lists, records and history. It is built into a NAME.run and installed at the path that the records
name; that path must not exist and is removed at the end. Every file and every field of every record is compared.

A copy may lack large files. A package whose archive is missing or does not match its MD5 is packed again from its extracted
directory. Stand-ins replace missing files; for Python, which compiles, a call of EXE and its libpython. The hashes and sizes
of those archives, and the stand-ins, are not compared. Needs conda-package-handling. Exit 1 on a difference that
docs/building/base.md does not list.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "fixtures"))
import make_installers

UNCHECKED = "every file with its hashes: where CONDA_SAFETY_CHECKS=disabled, as installers say, conda lists those with a prefix"
STAND_IN = b"a stand-in for a file that the copy lacks\n"


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def stand_in(path, python):
    name = path.rsplit("/", 1)[1]
    if python and re.fullmatch(r"python3\.\d+", name):
        # It needs its own standard library: that of another patch release does not fit.
        return f'#!/bin/sh\nexec {Path(python).resolve()} "$@"\n'.encode()
    if python and name.startswith("libpython3."):
        return next(Path(python).resolve().parent.parent.glob(f"lib/{name}")).read_bytes()
    return STAND_IN


def pack_again(extracted, target, work, python):
    """Packs a package from its extracted directory; returns the paths of the stand-ins."""
    import conda_package_handling.api as cph

    copy = work / "again" / extracted.name
    shutil.copytree(extracted, copy, symlinks=True)
    (copy / "info" / "repodata_record.json").unlink(missing_ok=True)
    listed = json.loads((copy / "info" / "paths.json").read_text())
    missing = []
    for entry in listed["paths"]:
        path = copy / entry["_path"]
        if entry["path_type"] == "hardlink" and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(stand_in(entry["_path"], python))
            path.chmod(0o755 if "bin/" in entry["_path"] else 0o644)
            missing.append(entry["_path"])
            entry |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "size_in_bytes": path.stat().st_size}
            # Stand-ins have no relocations.
            entry.pop("prefix_placeholder", None), entry.pop("file_mode", None)
    (copy / "info" / "paths.json").write_text(json.dumps(listed))
    members = [str(p.relative_to(copy)) for p in sorted(copy.rglob("*")) if p.is_symlink() or p.is_file()]
    cph.create(str(copy), members, target.name, str(target.parent))
    return missing


class Published(make_installers.Installer):
    """An installer with the lists and records of the tree instead of those of the fixture."""

    def __init__(self, tree, *arguments):
        super().__init__(*arguments)
        self.tree = tree

    def history(self, packages):
        return (self.tree / "conda-meta" / "history").read_text()


def installed(tree, path, kind=None):
    """(kind, contents or link)"""
    path = tree / path
    if path.is_symlink():
        return "link", os.readlink(path)
    if path.is_file():
        return "file", path.read_bytes()
    return None, None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tree", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("tinderbox", type=Path)
    parser.add_argument("--python", metavar="EXE", help="a Python of the tree's minor version, for its own where that is missing")
    options = parser.parse_args()
    tree, work = options.tree.resolve(), options.work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    archives = work / "archives"
    archives.mkdir(parents=True)

    theirs = {p.name: json.loads(p.read_text()) for p in sorted((tree / "conda-meta").glob("*.json"))}
    prefix = Path(next(iter(theirs.values()))["extracted_package_dir"]).parent.parent
    if prefix.exists():
        sys.exit(f"{prefix} exists: the tree's own path is needed")
    packages, records, again, stand_ins = [], {}, {}, set()
    for line in (tree / "conda-meta" / "initial-state.explicit.txt").read_text().split("\n"):
        if "://" not in line:
            continue
        name, wanted = line.rsplit("/", 1)[1].split("#")
        archive, extracted = tree / "pkgs" / name, tree / "pkgs" / name.removesuffix(".conda").removesuffix(".tar.bz2")
        record = json.loads((extracted / "info" / "repodata_record.json").read_text())
        if not archive.exists() or md5(archive) != wanted:
            archive = archives / name
            stand_ins.update(pack_again(extracted, archive, work, options.python))
            record |= {"md5": md5(archive), "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(), "size": archive.stat().st_size}
            again[extracted.name + ".json"] = archive
        packages.append(archive)
        records[name] = record
    print(f"{len(packages)} packages, {len(again)} of them packed again ({', '.join(sorted(again))}) with {len(stand_ins)} stand-ins")

    Published(tree, "D", packages, records, sys.executable, {}, (tree / ".condarc").read_text() if (tree / ".condarc").exists() else "").write(work / "published.sh")
    (work / "list.txt").write_text("@EXPLICIT\n" + "".join(f"{p}\n" for p in packages))
    environment = {**os.environ, "HOME": str(work / "home")}
    (work / "home").mkdir()
    subprocess.run([options.tinderbox, "build", work / "list.txt", "--base", work / "published.sh", "--name", "other", "-o", work / "published.run"],
                   check=True, stdout=subprocess.DEVNULL)
    made = prefix
    while not made.parent.exists():
        made = made.parent
    try:
        subprocess.run(["sh", work / "published.run", "-b", "-k", "-p", prefix], check=True, env=environment, stdout=subprocess.DEVNULL)
        problems = compare(tree, prefix, theirs, again, stand_ins)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    sys.exit(bool(problems))


def compare(tree, prefix, theirs, again, stand_ins):
    problems, justified, equal = [], {}, {"fields": 0, "listed": 0, "paths": 0, "path fields": 0, "files": 0, "links": 0, "bytes": 0}

    def note(reason, where):
        justified.setdefault(reason, []).append(where)

    ours = {p.name: json.loads(p.read_text()) for p in sorted((prefix / "conda-meta").glob("*.json"))}
    problems += [f"{name}: only in the published tree" for name in sorted(set(theirs) - set(ours))]
    problems += [f"{name}: only in ours" for name in sorted(set(ours) - set(theirs))]
    entry_points, python_files = set(), set()
    for name in sorted(set(theirs) & set(ours)):
        a, b = theirs[name], ours[name]
        for field in sorted(set(a) | set(b)):
            if field in ("files", "paths_data"):
                continue
            if a.get(field) == b.get(field):
                equal["fields"] += 1
            elif name in again and field in ("md5", "sha256", "size"):
                note("an archive that was packed again", f"{name}: {field}")
            elif field == "requested_specs" and field not in a and b[field] == [a["requested_spec"]]:
                note("requested_specs beside requested_spec: later condas read it", name)
            else:
                problems.append(f"{name}: {field}: {a.get(field)!r} published, {b.get(field)!r} ours")
        if sorted(a["files"]) == sorted(b["files"]):
            equal["fields"] += 1
            equal["listed"] += len(b["files"])
            if a["files"] != b["files"]:
                note("files in another order", name)
        else:
            problems.append(f"{name}: files: {sorted(set(a['files']) ^ set(b['files']))[:5]}")
        x, y = ({p["_path"]: p for p in r["paths_data"]["paths"]} for r in (a, b))
        if {k: v for k, v in a["paths_data"].items() if k != "paths"} != {k: v for k, v in b["paths_data"].items() if k != "paths"}:
            problems.append(f"{name}: paths_data")
        for path in sorted(set(x) ^ set(y)):
            if path in y and path in a["files"] and (path in stand_ins or "prefix_placeholder" not in y[path]):
                note(UNCHECKED, f"{name}: {path}")
            else:
                problems.append(f"{name}: {path}: listed in one only")
        for path in sorted(set(x) & set(y)):
            equal["paths"] += 1
            if y[path]["path_type"] == "unix_python_entry_point":
                entry_points.add(path)
            if y[path]["path_type"] == "pyc_file":
                python_files.add(path)
            for field in sorted(set(x[path]) | set(y[path])):
                p, q = x[path].get(field), y[path].get(field)
                where = f"{name}: {path}: {field}"
                if p == q:
                    equal["path fields"] += 1
                elif path in stand_ins:
                    note("a stand-in", where)
                elif p is None and field in ("sha256_in_prefix", "sha256", "size_in_bytes"):
                    note(UNCHECKED, where)
                elif field == "sha256_in_prefix" and path in entry_points | python_files:
                    note("entry points and compiled bytecode: other words, same code", where)
                else:
                    problems.append(f"{where}: {p!r} published, {q!r} ours")
    listed = {p["_path"]: name for name, r in ours.items() for p in r["paths_data"]["paths"]}
    for path in sorted(listed):
        a, b = installed(tree, path), installed(prefix, path)
        if path in stand_ins:
            note("a stand-in", path)
        elif a[0] is None:
            note("not in the published copy", path)
        elif a == b:
            equal["links" if a[0] == "link" else "files"] += 1
            equal["bytes"] += len(a[1])
            if a[0] == "file" and bool((tree / path).stat().st_mode & 0o100) != bool((prefix / path).stat().st_mode & 0o100):
                problems.append(f"{path}: one is executable, the other is not")
        elif path in entry_points:
            note("entry points and compiled bytecode: other words, same code", path)
        elif path.endswith(".pyc"):
            package = installed(tree, f"pkgs/{listed[path].removesuffix('.json')}/{path}")
            note("bytecode that whoever ran it wrote anew: ours is the package's" if package == b else "bytecode of noarch packages: compiled when the installer is made", path)
        else:
            problems.append(f"{path}: other contents, of {listed[path]}")
    ignored = {"pkgs", "envs", "conda-meta", ".tinderbox"}
    for one, other, who in ((tree, prefix, "the published tree"), (prefix, tree, "ours")):
        for directory, names, files in os.walk(one):
            relative = os.path.relpath(directory, one)
            if relative == ".":
                names[:] = [n for n in names if n not in ignored]
            for name in [*files, *(n for n in names if os.path.islink(os.path.join(directory, n)))]:
                path = os.path.normpath(os.path.join(relative, name))
                if path not in listed and not os.path.lexists(other / path):
                    note(f"no package's, in {who} only", path)
    for path in ("conda-meta/history", "conda-meta/initial-state.explicit.txt", ".condarc", "LICENSE.txt"):
        if (tree / path).exists() and (tree / path).read_bytes() != (prefix / path).read_bytes():
            note("lists and texts of the installer that differ", path)
    for reason, where in sorted(justified.items()):
        print(f"justified: {reason}: {len(where)}, e.g. {', '.join(where[:3])}")
    for problem in problems[:60]:
        print("DIFFERENCE:", problem)
    print(f"equal: {equal['fields']} fields of {len(ours)} records, their {equal['listed']} files, {equal['paths']} paths with {equal['path fields']} fields, "
          f"{equal['files']} files and {equal['links']} links of {equal['bytes']} bytes; {len(problems)} differences without a reason")
    return problems


if __name__ == "__main__":
    main()
