#!/usr/bin/env python3
"""Compares the answers of `tinderbox inspect` and `build --plan` about other tools' locks with independent readers.

    compare_locks.py TINDERBOX DIRECTORY-OF-LOCKS…

pixi.lock: py-rattler. pylock.toml: packaging.pylock. conda-lock.yml: ruamel.yaml. uv.lock: tomllib, and uv's own
export for the packages of a target. Prints a line for each file; exit 1 on a difference.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile

import packaging.markers
import packaging.pylock
import packaging.tags
import rattler
import ruamel.yaml

tinderbox, *directories = sys.argv[1:]
failures = 0


def run(*arguments):
    return subprocess.run([tinderbox, *map(str, arguments)], capture_output=True, text=True)


def inspect(path):
    answer = run("inspect", path, "--json")
    if answer.returncode != 0:
        raise SystemExit(f"{path.name}: {answer.stderr}")
    return json.loads(answer.stdout)


def compare(what, ours, theirs):
    """Compares sets of rows; prints the first few that only one side has."""
    global failures
    if ours == theirs:
        print(f"{what}: {len(ours)} rows agree")
        return
    failures += 1
    print(f"{what}: DIFFERS: {len(ours)} rows, independently {len(theirs)}")
    for name, rows in (("only ours", ours - theirs), ("only theirs", theirs - ours)):
        for row in sorted(rows, key=str)[:5]:
            print(f"    {name}: {row}")


def digest(value):
    return value.hex() if isinstance(value, bytes) else (value or "")


def row(package):
    return (package["kind"], package["name"], package["version"], package["url"], package["sha256"], package["md5"], package["platform"])


def pixi(path, kind="pixi.lock"):
    said = inspect(path)
    assert said["kind"] == kind, said["kind"]
    theirs, rows_of = set(), {}
    lock = rattler.LockFile.from_path(path)
    for _, environment in lock.environments():
        for platform in environment.platforms():
            packages = environment.packages(platform)
            for package in packages:
                conda = isinstance(package, rattler.lock.CondaLockedPackage)
                try:
                    hashes = package.hashes
                    hashes.sha256
                except AttributeError:  # it has no such attribute
                    hashes = None
                location = package.location
                one = ("conda" if conda else "pypi", package.name if conda else package.name.lower().replace("_", "-").replace(".", "-"),
                       str(package.version), location, digest(hashes.sha256) if hashes else "", digest(hashes.md5) if hashes else "",
                       str(platform.name))
                theirs.add(one)
                rows_of.setdefault(str(platform.name), set()).add(one)
    def ours_of(package):
        one = list(row(package))
        if package["kind"] == "conda":
            one[2] = str(rattler.Version(one[2]))  # py-rattler prints 2025.05 as 2025.5
         # Tinderbox reports sources in a message; py-rattler does not know the version of a directory
        if "source" in package:
            one[2:4] = "<dynamic>", package["source"].split("'")[1]
        return tuple(one)
    compare(path.name, {ours_of(p) for p in said["packages"]}, theirs)
    return said, rows_of


def conda_lock(path):
    said = inspect(path)
    assert said["kind"] == "conda-lock.yml" and said["version"] == 1
    content = ruamel.yaml.YAML(typ="safe").load(path.read_text())
    theirs = {("conda" if p["manager"] == "conda" else "pypi", p["name"], p["version"], p["url"], p["hash"].get("sha256", ""),
               p["hash"].get("md5", ""), p["platform"]) for p in content["package"]}
    compare(path.name, {row(p) for p in said["packages"]}, theirs)
    assert set(said["platforms"]) == set(content["metadata"]["platforms"])


def explicit(path):
    said = inspect(path)
    assert said["kind"] == "explicit"
    theirs = set()
    for line in path.read_text().splitlines():
        if line.startswith("# pip "):  # conda-lock marks a pip package so
            name, _, rest = line.removeprefix("# pip ").partition(" @ ")
            url, _, fragment = rest.split()[0].partition("#")
            file = url.rsplit("/", 1)[1]
            version = file.split("-")[1] if file.endswith(".whl") else file.removesuffix(".tar.gz").rsplit("-", 1)[1]
            theirs.add(("pypi", name, version, url, fragment.removeprefix("sha256="), "", ""))
        if not line.startswith("http"):
            continue
        url, _, md5 = line.partition("#")
        stem = url.rsplit("/", 1)[1].removesuffix(".conda").removesuffix(".tar.bz2")
        name, version, _ = stem.rsplit("-", 2)
        theirs.add(("conda", name.lower(), version, url, "", md5, url.split("/")[-2]))
    compare(path.name, {row(p) for p in said["packages"]}, theirs)


def files_of(package):
    """All files a row offers: (url, sha256)."""
    files = package.get("files") or ([package] if package["url"] else [])
    return {(f["url"], f["sha256"]) for f in files}


def pylock(path):
    said = inspect(path)
    lock = packaging.pylock.Pylock.from_dict(tomllib.loads(path.read_text()))
    assert said["kind"] == "pylock.toml" and said["version"] == str(lock.lock_version)
    theirs = set()
    for p in lock.packages:
        for f in [*(p.wheels or []), *([p.sdist] if p.sdist else [])]:
            theirs.add((p.name, str(p.version or ""), f.url, f.hashes.get("sha256", "")))
        if p.directory or p.vcs:
            theirs.add((p.name, str(p.version or ""), "", ""))
    ours = {(p["name"], p["version"], *f) for p in said["packages"] for f in files_of(p) or {("", "")}}
    compare(path.name, ours, theirs)


def uv(path):
    said = inspect(path)
    assert said["kind"] == "uv.lock" and said["version"] == 1
    content = tomllib.loads(path.read_text())
    theirs = set()
    for p in content["package"]:
        files = [*p.get("wheels", []), *([p["sdist"]] if "sdist" in p else [])]
        for f in files:
            theirs.add((p["name"], p.get("version", ""), f["url"], f.get("hash", "").removeprefix("sha256:")))
        if not files:
            theirs.add((p["name"], p.get("version", ""), "", ""))
    ours = {(p["name"], p["version"], *f) for p in said["packages"] for f in files_of(p) or {("", "")}}
    compare(path.name, ours, theirs)
    return content


def target(python):
    """Environment and tags of CPython `python` on x86-64 Linux with glibc 2.28."""
    version = tuple(map(int, python.split(".")))[:2]
    environment = {**packaging.markers.default_environment(), "python_version": ".".join(map(str, version)), "python_full_version": python,
                   "implementation_version": python, "platform_machine": "x86_64", "sys_platform": "linux", "platform_system": "Linux",
                   "os_name": "posix"}
    platforms = []
    for minor in range(28, 4, -1):
        platforms.append(f"manylinux_2_{minor}_x86_64")
        alias = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}.get(minor)
        platforms += [f"{alias}_x86_64"] if alias else []
    platforms.append("linux_x86_64")
    tags = [*packaging.tags.cpython_tags(version, platforms=platforms),
            *packaging.tags.compatible_tags(version, interpreter=f"cp{version[0]}{version[1]}", platforms=platforms)]
    return environment, tags


def wheel_of(directory, name, version):
    """A wheel for a project of which the lock has only a directory or a source archive."""
    stem = f"{name.replace('-', '_')}-{version}"
    path = pathlib.Path(directory) / f"{stem}-py3-none-any.whl"
    info = f"{stem}.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path


def plan(path, work, *arguments):
    """The artifacts of a plan, and the names of packages without a wheel in the lock, which wheels replace as the message says."""
    replaced = []
    while True:
        wheels = [word for name, version in replaced for word in ("--pip", wheel_of(work, name, version))]
        answer = run("build", path, *arguments, *wheels, "--plan", "--json", "--offline")
        if answer.returncode == 0:
            return json.loads(answer.stdout)["lock"]["artifacts"], {name for name, _ in replaced}
        missing = re.findall(r"\d: (\S+) (\S+) is .*add --pip", answer.stderr)
        if not missing or set(missing) & set(replaced):
            raise SystemExit(f"{path.name}: {answer.stderr}")
        replaced += missing


def taken_of_uv(path, content, python):
    """Compares the wheels for the target: our plan with uv's export, narrowed by packaging."""
    project = next(p for p in content["package"] if p["source"].get("editable") == "." or p["source"].get("virtual") == ".")
    with tempfile.TemporaryDirectory() as work:
        pathlib.Path(work, "uv.lock").write_bytes(path.read_bytes())
        pathlib.Path(work, "pyproject.toml").write_text(
            f'[project]\nname = "{project["name"]}"\nversion = "{project["version"]}"\nrequires-python = "{content["requires-python"]}"\n')
        uv_program = pathlib.Path(sys.executable).parent / "uv"
        exported = subprocess.run([uv_program, "export", "--frozen", "--format", "pylock.toml", "--no-emit-project", "--quiet"], cwd=work,
                                  capture_output=True, text=True)
        if exported.returncode != 0:
            raise SystemExit(f"uv export: {exported.stderr}")
        environment, tags = target(python)
        lock = packaging.pylock.Pylock.from_dict(tomllib.loads(exported.stdout))
        artifacts, replaced = plan(path, work, "--conda", f"https://conda.example/main/linux-64/python-{python}-h0_0_cpython.conda")
        theirs = {(p.name, str(p.version), f.url, f.hashes["sha256"]) for p, f in lock.select(environment=environment, tags=tags)
                  if p.name not in replaced}
        ours = {(a["name"], a["version"], a["url"], a["sha256"]) for a in artifacts if a["kind"] == "wheel" and a["name"] not in replaced}
    compare(f"{path.name} for Python {python} (without {', '.join(sorted(replaced))})", ours, theirs)


def taken_of_pixi(path, rows_of):
    with tempfile.TemporaryDirectory() as work:
        artifacts, replaced = plan(path, work)
    ours = {("pypi" if a["kind"] == "wheel" else "conda", a["name"], a["version"] if a["kind"] == "wheel" else str(rattler.Version(a["version"])),
             a["url"], a.get("sha256", ""), a.get("md5", "")) for a in artifacts if a["name"] not in replaced}
    # Of a wheel with a SHA-256 the MD5 is not kept.
    theirs = {one[:5] + ("" if one[0] == "pypi" and one[4] else one[5],) for one in rows_of["linux-64"] if one[1] not in replaced}
    compare(f"{path.name} for linux-64 (without {', '.join(sorted(replaced))})", ours, theirs)


for path in [path for directory in directories for path in sorted(pathlib.Path(directory).iterdir())]:
    if "pixi" in path.name:
        _, rows = pixi(path)
        if "linux-64" in rows:
            taken_of_pixi(path, rows)
    elif "conda-lock" in path.name:
        conda_lock(path)
    elif "explicit" in path.name:
        explicit(path)
    elif path.suffix == ".toml" and "lock-version" not in path.read_text():  # a requirements file with another name
        said = inspect(path)
        assert said["kind"] == "requirements.txt" and said["pip"][0]["requirement"] == "-e ." and "problem" in said["pip"][0]
        print(f"{path.name}: {len(said['pip'])} requirements")
    elif path.suffix == ".toml":
        pylock(path)
    elif "uv" in path.name:
        content = uv(path)
        taken_of_uv(path, content, "3.11.9" if "<3.12" in content["requires-python"] else "3.12.9")
sys.exit(1 if failures else 0)
