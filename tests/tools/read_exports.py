#!/usr/bin/env python3
"""Reads the files of `tinderbox lock --format` with the tools of the formats, and compares them with the lock.

    read_exports.py LOCK EXPLICIT CONDA-LOCK PYLOCK REQUIREMENTS

py-rattler reads the conda-lock.yml; packaging reads the pylock.toml and the requirements; conda's regular expression the list.
"""
import json
import re
import sys
import tomllib

import packaging.pylock
import packaging.requirements
import rattler

lock, explicit, conda_lock, pylock, requirements = sys.argv[1:]
artifacts = json.load(open(lock))["artifacts"]
conda = {(a["name"], a["url"], a.get("md5", ""), a.get("sha256", "")) for a in artifacts if a["kind"] == "conda"}
wheels = {(a["name"], a["url"], a["sha256"]) for a in artifacts if a["kind"] == "wheel"}


def same(what, ours, theirs):
    if ours != theirs:
        sys.exit(f"{what}: only in the lock: {sorted(ours - theirs)[:3]}; only in the file: {sorted(theirs - ours)[:3]}")
    print(f"{what}: {len(ours)} packages")


# conda/misc.py, explicit()
line_of_conda = re.compile(r"(?:(?P<url>.+)(?:[/\\]))?(?P<fn>[^/\\#]+(?:\.tar\.bz2|\.conda))"
                           r"(?:#((?P<md5>[0-9a-f]{32})|((sha256:)?(?P<sha256>[0-9a-f]{64}))))?$")
rows = set()
for line in open(explicit).read().splitlines():
    if line and not line.startswith(("#", "@")):
        match = line_of_conda.match(line)
        rows.add((match["url"] + "/" + match["fn"], match["md5"] or match["sha256"]))
same("explicit", {(url, md5 or sha256) for _, url, md5, sha256 in conda}, rows)

rows, pypi = set(), set()
for _, environment in rattler.LockFile.from_path(conda_lock).environments():
    for platform in environment.platforms():
        for package in environment.packages(platform):
            hashes = package.hashes
            digest = lambda value: value.hex() if value else ""
            if isinstance(package, rattler.lock.CondaLockedPackage):
                rows.add((package.name, package.location, digest(hashes.md5), digest(hashes.sha256)))
            else:
                pypi.add((package.name, package.location, digest(hashes.sha256)))
same("conda-lock, conda", conda, rows)
same("conda-lock, pip", wheels, pypi)

parsed = packaging.pylock.Pylock.from_dict(tomllib.loads(open(pylock).read()))
rows = set()
for package in parsed.packages:
    for file in [*(package.wheels or []), *([package.archive] if package.archive else [])]:
        rows.add((package.name, file.url or "file://" + file.path, file.hashes["sha256"]))
same("pylock", wheels, rows)

rows = set()
text = open(requirements).read().replace("\\\n", "")
for line in text.splitlines():
    if not line or line.startswith(("#", "--")):
        continue
    head, _, digest = line.partition("--hash=sha256:")
    requirement = packaging.requirements.Requirement(head.strip())
    rows.add((requirement.name, requirement.url or str(requirement.specifier), digest.strip()))
versions = {a["name"]: a["version"] for a in artifacts}
direct = {a["name"] for a in artifacts if a.get("direct_url") or a["url"].startswith("file:")}
same("requirements", {(name, url if name in direct else "==" + versions[name], sha256) for name, url, sha256 in wheels}, rows)
