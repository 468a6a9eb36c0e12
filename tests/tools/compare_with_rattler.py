"""Compares a prefix that Tinderbox installed with one that py-rattler filled from the same conda packages.

    compare_with_rattler.py RATTLER.json MOVED PREFIX [LEFT_OUT…]

RATTLER.json is the output of tests/fixtures/conda_reference_install.py for PREFIX. MOVED is that tree's present path: it was
renamed, so that Tinderbox could install at the same path and every byte can be compared. LEFT_OUT are paths below the prefix
that are not compared (envs/NAME beside a base). Compares the file list, kinds, bytes, modes, owners' write bits, links, times
and conda-meta records. Prints each difference; exit 1 when docs/measured/comparison.md does not justify one of them.
"""
import hashlib
import json
import os
import re
import stat
import sys
import urllib.parse

reference, moved, prefix = json.load(open(sys.argv[1])), *map(os.path.abspath, sys.argv[2:4])
# Reasons are those of docs/measured/comparison.md; a difference without a reason is a failure.
problems, justified = [], {}
compared = {"files": 0, "bytes": 0, "links": 0, "directories": 0, "fields": 0, "paths": 0}


def note(reason, path):
    justified.setdefault(reason, []).append(path)


def describe(root):
    out = {}
    for directory, names, files in os.walk(root):
        for name in [*names, *files]:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            entry = {"mode": stat.S_IMODE(status.st_mode), "mtime": int(status.st_mtime), "uid": status.st_uid}
            if stat.S_ISLNK(status.st_mode):
                entry |= {"kind": "symlink", "link": os.readlink(path)}
            elif stat.S_ISDIR(status.st_mode):
                entry |= {"kind": "directory"}
            else:
                with open(path, "rb") as file:
                    data = file.read()
                entry |= {"kind": "file", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            out[os.path.relpath(path, root)] = entry
    return out


def text(root, path):
    with open(os.path.join(root, path), "rb") as file:
        return file.read().decode("utf-8", "replace")


left_out = sys.argv[4:]
theirs, ours = ({path: entry for path, entry in tree.items() if not any(path == one or path.startswith(one + "/") for one in left_out)}
                for tree in (reference["tree"], describe(prefix)))
records = {}
for name in os.listdir(os.path.join(prefix, "conda-meta")):
    if name.endswith(".json"):
        with open(os.path.join(prefix, "conda-meta", name)) as file:
            try:
                value = json.load(file)
            except ValueError as error:
                problems.append(f"conda-meta/{name}: {error}")
                continue
        if "paths_data" in value:
            records[name] = value
owner = {}
for value in records.values():
    for path in value["paths_data"]["paths"]:
        owner.setdefault(path["_path"], []).append(value)
# Packages that rattler cannot install (empty directories) are in ours only.
extra = {name for name in records if name not in reference["records"]}
of_extra = {path["_path"] for name in extra for path in records[name]["paths_data"]["paths"]}
for name in sorted(extra):
    if any(path["path_type"] == "directory" for path in records[name]["paths_data"]["paths"]):
        note("a package with path_type directory: rattler fails on it", f"conda-meta/{name}")
    else:
        problems.append(f"conda-meta/{name}: only with us")
of_extra |= {os.path.dirname(path) for path in of_extra} | {os.path.dirname(os.path.dirname(path)) for path in of_extra}
entry_points = {path["_path"] for value in records.values() for path in value["paths_data"]["paths"]
                if path["path_type"] == "unix_python_entry_point"}
their_entry_points = {path["_path"] for value in reference["records"].values() for path in value["paths_data"]["paths"]
                      if path["path_type"] == "unix_python_entry_point"}
for path in sorted(entry_points ^ their_entry_points):
    problems.append(f"{path}: an entry point with only one of the two")


def unwrapped(script):
    """A wrapped interpreter line (too long, or with a space): the interpreter, and all text after the wrapper."""
    lines = script.split("\n")
    if not (len(lines) > 1 and lines[0] == "#!/bin/sh" and lines[1].startswith(("'''exec' ", "\f#coding:"))):
        return None
    command = re.split("exec'? ", lines[1], maxsplit=1)[1].split(' "$0"')[0].replace('"', "").replace("'", "")
    rest = lines[2:] if lines[1].endswith("'''") or lines[1].startswith("\f") else lines[3:]
    return "#!" + command + "\n" + "\n".join(rest)


def same_entry_point(a, b):
    def parts(script):
        script = unwrapped(script) or script
        return (script.split("\n")[0], re.search(r"from (\S+) import (\S+)", script).groups(),
                re.search(r"sys\.exit\((.*)\)", script).group(1))
    return parts(a) == parts(b)


def source_of(path):
    return re.sub(r"__pycache__/([^/]+?)\.[^./]+\.pyc$", r"\1.py", path)


def relocated(path):
    return any(p["_path"] == path and p.get("prefix_placeholder") for value in owner.get(path, [])
               for p in value["paths_data"]["paths"])


changed = set()  # files whose bytes may differ: their hash in the record differs, too
for path in sorted(set(theirs) - set(ours)):
    if path == "CACHEDIR.TAG":
        note("CACHEDIR.TAG tells backup programs to leave an environment out", path)
    elif path.split("/")[0] == "__clobbers__":
        note("rattler keeps a replaced file in __clobbers__", path)
    else:
        problems.append(f"{path}: only with rattler")
for path in sorted(set(ours) - set(theirs)):
    entry = ours[path]
    bytecode = re.fullmatch(r"(.*)/__pycache__(/[^/]+\.pyc)?", path)
    if bytecode and any(value.get("noarch") == "python" for name in records.values() for value in [name]
                        if any(p["_path"].startswith(path) for p in value["paths_data"]["paths"])):
        note("bytecode of noarch: python packages (as conda)", path)
    elif path in of_extra:
        note("a package with path_type directory: rattler fails on it", path)
    elif re.fullmatch(r"bin/activate(\.\w+)?|bin/Activate.ps1|conda-meta/(history|tinderbox.*|state)|\.tinderbox.*", path):
        note("activation, history, Tinderbox's own notes", path)
    elif path == "conda-meta" or f"{path}/" in {f"{os.path.dirname(p)}/" for p in of_extra}:
        note("a package with path_type directory: rattler fails on it", path)
    elif path.startswith("conda-meta/") and os.path.basename(path) in extra:
        pass
    else:
        problems.append(f"{path}: only with us")
    if entry["kind"] == "file" and not entry["mode"] & 0o200:
        problems.append(f"{path}: its owner cannot write it")

for path in sorted(set(theirs) & set(ours)):
    a, b = theirs[path], ours[path]
    if a["kind"] != b["kind"]:
        problems.append(f"{path}: {a['kind']} with rattler, {b['kind']} with us")
        continue
    if a["kind"] == "directory":
        compared["directories"] += 1
    elif a["kind"] == "symlink":
        compared["links"] += 1
        if a["link"] != b["link"]:
            problems.append(f"{path} -> {a['link']} with rattler, {b['link']} with us")
        continue
    if path.startswith("conda-meta/"):
        if a["mode"] != b["mode"]:
            if (a["mode"], b["mode"]) == (0o600, 0o644):
                note("records are readable for all", path)
            else:
                problems.append(f"{path}: mode {a['mode']:o} with rattler, {b['mode']:o} with us")
        continue
    if a["mode"] != b["mode"]:
        if path in entry_points and (a["mode"], b["mode"]) == (0o775, 0o755):
            note("entry points have the mode 0755, rattler's 0775", path)
        else:
            problems.append(f"{path}: mode {a['mode']:o} with rattler, {b['mode']:o} with us")
    if a["kind"] != "file":
        continue
    compared["files"] += 1
    compared["bytes"] += b["size"]
    if a["sha256"] != b["sha256"]:
        x, y = text(moved, path), text(prefix, path)
        if path in entry_points and same_entry_point(x, y):
            note("entry-point scripts are worded differently", path)
        elif unwrapped(x) and unwrapped(y) and unwrapped(x).rstrip() == unwrapped(y).rstrip():
            note("a long or spaced interpreter line is wrapped in pip's three lines", path)
        elif path.endswith(".pyc") and relocated(source_of(path)):
            note("bytecode of a module with the prefix inside is compiled anew", path)
        else:
            problems.append(f"{path}: other bytes ({a['size']} with rattler, {b['size']} with us)")
        changed.add(path)
    if a["mtime"] != b["mtime"]:
        value = owner.get(path, [{}])[-1]
        entry = next((p for p in value.get("paths_data", {}).get("paths", []) if p["_path"] == path), {})
        if path in entry_points or entry.get("prefix_placeholder") or path in changed:
            note("mtime of files with the prefix inside: as in the archive", path)
        elif a["mtime"] == b["mtime"] + 1:
            note("fractions of a second in an archive's times: rattler rounds, as conda they are cut off", path)
        elif a["mtime"] == 315532800 and b["mtime"] < a["mtime"]:
            note("a time before 1980 is as in the archive", path)
        elif len(owner.get(path, [])) == 0:
            note("mtime of what a script wrote", path)
        else:
            problems.append(f"{path}: mtime {a['mtime']} with rattler, {b['mtime']} with us")

# ---- the records -----------------------------------------------------------------------------------------------------

for name in sorted(set(reference["records"]) - set(records)):
    problems.append(f"conda-meta/{name}: only with rattler")
for name in sorted(set(records) & set(reference["records"])):
    mine, other = records[name], reference["records"][name]
    where = f"conda-meta/{name}"
    for field in sorted(set(mine) | set(other)):
        compared["fields"] += 1
        a, b = other.get(field), mine.get(field)
        if field in ("paths_data", "files") or a == b:
            continue
        if field == "link" and a["type"] == 1 and b["type"] == 3:
            note("link.type 3: a copy, not a hard link", where)
        elif field == "link" and b == {"type": a["type"], "source": b["source"]} and os.path.normpath(b["source"]) == a["source"]:
            note("link.source of an installer's further environment: PREFIX/envs/NAME/../../pkgs", where)
        elif field in ("extracted_package_dir", "package_tarball_full_path"):
            note("the package cache that is not there", f"{where}: {field}")
        elif field == "channel" and b in (f"{urllib.parse.unquote(a).rstrip('/')}/{mine['subdir']}", urllib.parse.unquote(a)):
            note("channel has the subdirectory at its end (as conda)", where)
        elif field == "url" and urllib.parse.unquote(a) == urllib.parse.unquote(b):
            note("url as it was given", f"{where}: {field}")
        elif field == "md5" and b is None:
            note("md5 only if the list has it", f"{where}: {field}")
        elif field == "package_type" and a is None:
            note("package_type (as conda)", f"{where}: {field}")
        elif field in ("requested_spec", "requested_specs") and not a:
            note("what was asked for is recorded", f"{where}: {field}")
        elif a in (None, [], "") and b in (None, [], ""):
            note("an empty field is written or left out", f"{where}: {field}")
        elif a is None and field in ("platform", "arch", "license", "license_family", "noarch", "timestamp", "features",
                                     "track_features", "constrains", "auth", "python_site_packages_path", "requires", "ucs"):
            note("an index.json field that rattler leaves out", f"{where}: {field}")
        else:
            problems.append(f"{where}: {field}: {a!r} with rattler, {b!r} with us")
    place = {path["_path"]: path for path in mine["paths_data"]["paths"]}
    listed = set()
    for path in other["paths_data"]["paths"]:
        compared["paths"] += 1
        clobbered = "original_path" in path
        final = path.get("original_path", path["_path"])
        listed.add(final)
        if final not in place:
            problems.append(f"{where}: {final}: listed by rattler only")
            continue
        if clobbered:
            note("a replaced file keeps its place in its package's record (as conda)", f"{where}: {final}")
            continue
        own = place[final]
        for field in sorted(set(path) | set(own)):
            a, b = path.get(field), own.get(field)
            if a == b:
                continue
            if path["path_type"] == "softlink" and field in ("sha256_in_prefix", "size_in_bytes") and b is None:
                link = ours[final]["link"].encode()
                if a in (hashlib.sha256(link).hexdigest(), len(link)):
                    note("hash and size of a link's text are left out (as conda)", f"{where}: {final}")
                    continue
            if field == "sha256_in_prefix" and a is None and b == path.get("sha256"):
                note("sha256_in_prefix is always written (as conda)", f"{where}: {final}")
            elif field in ("sha256_in_prefix", "sha256", "size_in_bytes") and final in changed | entry_points:
                note("hash and size of a file that is worded differently", f"{where}: {final}")
            elif field == "size_in_bytes" and own.get("prefix_placeholder"):
                note("size_in_bytes is the package's (as conda)", f"{where}: {final}")
            elif field in ("sha256", "size_in_bytes", "sha256_in_prefix") and a is None:
                note("hashes that an old package does not declare", f"{where}: {final}: {field}")
            elif field == "no_link" and not a and not b:
                pass
            else:
                problems.append(f"{where}: {final}: {field}: {a!r} with rattler, {b!r} with us")
    for path in sorted(set(place) - listed):
        if path.endswith(".pyc") and place[path]["path_type"] in ("pyc_file", "hardlink"):
            note("bytecode of noarch: python packages (as conda)", f"{where}: {path}")
        else:
            problems.append(f"{where}: {path}: listed by us only")
    files, other_files = set(mine["files"]), {f for f in other["files"] if not f.startswith("__clobbers__")}
    for path in sorted(files ^ other_files):
        entry = place.get(path, {})
        if not path.endswith(".pyc") and not any(p.get("original_path") == path for p in other["paths_data"]["paths"]):
            problems.append(f"{where}: files: {path} is in one list only")

# Every record must describe the installed files.
for name, value in sorted(records.items()):
    for path in value["paths_data"]["paths"]:
        there = ours.get(path["_path"])
        if there is None:
            problems.append(f"conda-meta/{name}: {path['_path']} is listed and not there")
        elif there["kind"] == "file" and path.get("sha256_in_prefix") not in (None, there["sha256"]):
            problems.append(f"conda-meta/{name}: {path['_path']} is not what sha256_in_prefix says")
    for path in value["files"]:
        if path not in ours:
            problems.append(f"conda-meta/{name}: files: {path} is not there")

for reason, paths in sorted(justified.items()):
    print(f"justified: {reason}: {len(paths)}, e.g. {paths[0]}")
for problem in problems[:60]:
    print("DIFFERENCE:", problem)
print(f"compared: {compared['files']} files of {compared['bytes']} bytes, {compared['links']} links, {len(reference['records'])} "
      f"records with {compared['fields']} fields and {compared['paths']} paths; "
      f"{len(problems)} differences without a reason")
sys.exit(bool(problems))
