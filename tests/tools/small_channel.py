"""Writes a channel index without packages, for solves with known answers.

    small_channel.py ROOT NAME/VERSION[=BUILD][/DEPENDENCY…]…
"""
import hashlib, json, pathlib, sys

root = pathlib.Path(sys.argv[1])
packages = {}
for row in sys.argv[2:]:
    name, version, *depends = row.split("/")
    version, _, build = version.partition("=")
    build = build or "0"
    packages[f"{name}-{version}-{build}.conda"] = {
        "name": name, "version": version, "build": build, "build_number": 0, "depends": depends, "subdir": "noarch", "size": 1000,
        "sha256": hashlib.sha256(row.encode()).hexdigest(), "md5": hashlib.md5(row.encode()).hexdigest()}
for subdir, rows in (("noarch", packages), ("linux-64", {})):
    (root / subdir).mkdir(parents=True, exist_ok=True)
    (root / subdir / "repodata.json").write_text(json.dumps({"info": {"subdir": subdir}, "packages": {}, "packages.conda": rows}))
