#!/usr/bin/env python3
"""Compares our reader of environment.yml with conda's own, file by file.

    compare_environment_yml.py TINDERBOX CONDA-SOURCE [DIRECTORY…] [--list]

CONDA-SOURCE is a checkout of conda, or a git directory of one (no package index has conda). The running Python needs pip and
conda's dependencies: boltons frozendict packaging platformdirs pluggy requests ruamel.yaml tqdm zstandard. Reads the cases
below, and every *.yml and *.yaml of the directories (real files; this tree keeps none). conda reads a file by
conda/env/env.py (its checks, then from_file) and specs by MatchSpec; pip reads the requirements file that conda makes of the
pip section. `tinderbox inspect --json` must accept or refuse the same files, with the same name, channels, specs (name,
version, build, channel), requirements, pip options and variables. An intended difference has its reason below. Exit 1 for any
other difference.
"""
import collections
import contextlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from compare_requirements import agree, read_with_pip, what_we_said
from conda_init_reference import source_tree

HEAD = "name: x\nchannels: [conda-forge]\ndependencies:\n"


def deps(*entries):
    return HEAD + "".join(f"  - {entry}\n" for entry in entries)


def pip(*lines):
    return HEAD + "  - python=3.9\n  - pip\n  - pip:\n" + "".join(f"    - {line}\n" for line in lines)


# (name, content, the reason for an intended difference or None)
CASES = [
    ("plain", deps("python=3.9", "numpy"), None),
    ("fuzzy", deps("a=3.9", "b=3.9.*", "c=3"), None),
    ("exact", deps("a==3.9", "b ==3.9", "c 3.9", "d 3.9.*"), None),
    ("ranges", deps("'a>=1.8,<2.0a0'", "'b >=1.8, <2.0a0'", "'c >= 1.8 , < 2'", "'d>1|<0.5'"), None),
    ("alternatives", deps("a=1.1|1.2", "'b 1.1|1.2'", "'c ==1.1|==1.2'", "'d >=1,<2|>3'"), None),
    ("compatible", deps("'a~=1.4.2'", "'b ~=1.4'", "'c!=1.0'", "'d !=1.0,>=0.5'"), None),
    ("builds", deps("a=1.0=py39_0", "b=1.0=*cuda*", "'c 1.0 py39_0'", "'d==1.0=h1_0'", "'e=*=*cuda'", "'f * *_cpython'"), None),
    ("build regular expression", deps("'a 1.0 ^py3.*_0$'"), None),
    ("build regular expression with brackets", deps("'a 1.0 ^py3[0-9]+_0$'"), "conda takes [0-9] for its own brackets and cuts it out"),
    ("channel", deps("pytorch::pytorch", "conda-forge::numpy=1.2", "conda-forge/linux-64::b"), None),
    ("channel URL", deps("https://conda.example/forge::numpy"), None),
    ("brackets", deps("'a[version=\">=1,<2\"]'", "'b[version=1.0, build=py39_0]'", "'c[build=*cuda*]'", "'d[channel=conda-forge]'", "'e[subdir=linux-64]'"), None),
    ("bracket hash", deps("'a[md5=" + "a" * 32 + "]'", "'b[sha256=" + "b" * 64 + "]'"), None),
    ("bracket build number", deps("'a[build_number=3]'", "\"b[build_number='>=3']\""), None),
    ("bracket and version", deps("\"a 1.0[build='py*']\"", "\"a=1[version='2']\""), None),
    ("bracket unknown", deps("'a[colour=red]'"), None),
    ("bracket unclosed", deps("'a[version=1'"), None),
    ("spaces", deps("numpy = 1.2", "numpy =1.2", "numpy= 1.2", "'numpy   1.2'"), None),
    ("two words", deps("numpy 1.2 py39_0 more"), "conda takes 'py39_0 more' for a build, which no package has"),
    ("upper case", deps("NumPy=1.2", "PyYAML"), None),
    ("names", deps("a.b_c-d", "_libgcc_mutex=0.1=main", "ca-certificates"), None),
    ("comment", deps("numpy=1.2  # why", "scipy # [win]"), None),
    ("quotes", deps("'numpy=1.2'", '"scipy"'), None),
    ("number as version", deps("python=3.10"), None),
    ("bare number", deps("3.9"), "conda takes the number for a name that is not a string, and refuses it; so do we, as the name 3.9 that has no package"),
    ("no version", deps("numpy="), "conda takes it for any version"),
    ("no version, double", deps("numpy=="), None),
    ("trailing comma", deps("'numpy>=1,'"), None),
    ("one bad operator", deps("'numpy=>1.2'"), None),
    ("two stars", deps("'numpy=1.**'"), None),
    ("local version", deps("torch=1.12.1+cu113"), None),
    ("epoch", deps("a=1!2.0"), None),
    ("pip like extras", deps("'dask[complete]'"), "conda leaves the bracket out without a word"),
    ("star name", deps("'*[name=numpy]'"), "conda warns, and takes * for the name"),
    ("package URL", deps("https://conda.example/forge/linux-64/numpy-1.2-py39_0.conda"), None),
    ("package URL with md5", deps("https://conda.example/forge/linux-64/numpy-1.2-py39_0.tar.bz2#" + "a" * 32), None),
    ("empty dependencies", "name: x\ndependencies: []\n", None),
    ("null dependencies", "name: x\ndependencies:\n", "conda says that it is no list; an environment of nothing but channels is none, and the build says that"),
    ("no dependencies", "name: x\nchannels: [a]\n", "conda says that the field is missing; the build says that nothing is asked for"),
    ("null entry", deps("numpy", ""), None),
    ("mapping entry", deps("numpy: 1.2"), "conda accepts it, and installs nothing of it"),
    ("other section", HEAD + "  - npm:\n    - left-pad\n", "conda accepts it, and then says that there is no installer for npm"),
    ("list entry", HEAD + "  - [a, b]\n", None),
    ("dependencies mapping", "name: x\ndependencies:\n  numpy: 1.2\n", None),
    ("dependencies text", "name: x\ndependencies: numpy\n", None),
    ("list at top", "- numpy\n", None),
    ("empty file", "", "for us an empty file is a requirements.txt"),
    ("comments only", "# nothing\n", "for us it is a requirements.txt"),
    ("channels text", "name: x\nchannels: conda-forge\ndependencies: [a]\n", None),
    ("channels null", "name: x\nchannels:\ndependencies: [a]\n", "condas before 25 take it for no channels, as we do"),
    ("channels number", "name: x\nchannels: [1]\ndependencies: [a]\n", "conda wants a string; a number is a channel's name as well"),
    ("channels mapping", "name: x\nchannels: [{a: b}]\ndependencies: [a]\n", None),
    ("nodefaults", "name: x\nchannels: [conda-forge, nodefaults]\ndependencies: [a]\n", None),
    ("channel forms", "name: x\nchannels: [https://conda.example/a, file:///srv/b, pytorch/label/nightly, defaults]\ndependencies: [a]\n", None),
    ("channel variable", "name: x\nchannels: ['https://${TEST_USER}@conda.example/a']\ndependencies: [a]\n", None),
    ("channel twice", "name: x\nchannels: [a, b, a]\ndependencies: [a]\n", None),
    ("name null", "name:\ndependencies: [a]\n", "condas before 25 take it for no name, as we do"),
    ("no name", "dependencies: [a]\n", None),
    ("name list", "name: [a]\ndependencies: [a]\n", None),
    ("name number", "name: 12\ndependencies: [a]\n", "conda wants a string; a number is a name as well"),
    ("prefix", "name: x\nprefix: /opt/x\ndependencies: [a]\n", None),
    ("variables", "name: x\ndependencies: [a]\nvariables:\n  A: b\n  C: 'd e'\n  E: ''\n", None),
    ("variables number", "name: x\ndependencies: [a]\nvariables:\n  A: 1\n  B: 1.50\n  C: 0x10\n", "conda exports a number as Python prints it (1.5, 16); here as it is written"),
    ("variables boolean", "name: x\ndependencies: [a]\nvariables:\n  A: true\n  B: yes\n", "conda exports True as Python prints it; here as it is written"),
    ("variables list", "name: x\ndependencies: [a]\nvariables: [A=b]\n", None),
    ("variables null", "name: x\ndependencies: [a]\nvariables:\n", "conda wants a mapping; nothing is no variable"),
    ("other key", "name: x\ndependencies: [a]\nauthor: me\n", None),
    ("category", "name: x\ncategory: dev\nplatforms: [linux-64]\ndependencies: [a]\n", None),
    ("duplicate key", "name: x\nname: y\ndependencies: [a]\n", None),
    ("duplicate dependencies", "name: x\ndependencies: [a]\ndependencies: [b]\n", None),
    ("tab", "name: x\ndependencies:\n\t- a\n", None),
    ("crlf", deps("python=3.9", "numpy").replace("\n", "\r\n"), None),
    ("bom", b"\xef\xbb\xbf" + deps("numpy").encode(), None),
    ("utf-16", deps("numpy").encode("utf-16"), None),
    ("latin-1", b"name: x # caf\xe9\ndependencies: [a]\n", None),
    ("nul", b"name: x\ndependencies: [a\0]\n", None),
    ("two documents", "name: x\ndependencies: [a]\n---\nname: y\ndependencies: [b]\n", None),
    ("document end", "---\nname: x\ndependencies: [a]\n...\n", None),
    ("anchors", "name: x\ndependencies: &d\n  - a\nchannels: [b]\n", None),
    ("merge key", "base: &b\n  channels: [a]\n<<: *b\nname: x\ndependencies: [a]\n", None),
    ("no indentation", "name: x\nchannels:\n- a\ndependencies:\n- b\n- pip:\n  - c\n", None),
    ("flow", "{name: x, channels: [a], dependencies: [b, {pip: [c]}]}\n", None),
    ("unclosed", "name: x\ndependencies: [a\n", None),
    ("missing colon", "name x\ndependencies:\n  - a\n", None),
    ("pip plain", pip("torch==1.12.1+cu113", "numpy>=1,<2", "six"), None),
    ("pip options", pip("--extra-index-url https://a.example/simple", "-f https://b.example/links.html", "--pre", "torch"), None),
    ("pip index", pip("-i https://a.example/simple", "--trusted-host a.example", "--no-binary :none:", "torch"), None),
    ("pip extras and markers", pip("'requests[socks]>=2; python_version < \"4\"'", "a;os_name=='nt'"), None),
    ("pip hash", pip("six==1.16.0 --hash=sha256:" + "a" * 64), None),
    ("pip URL", pip("https://a.example/six-1.16.0-py2.py3-none-any.whl", "six2 @ https://a.example/six2-1.0-py3-none-any.whl"), None),
    ("pip VCS", pip("git+https://a.example/x.git#egg=x", "-e git+https://a.example/y.git@v1#egg=y", "z @ git+https://a.example/z.git"), None),
    ("pip editable", pip("-e ."), None),
    ("pip comment", pip("six  # why", "'numpy # because'"), None),
    ("pip single equals", pip("numpy=1.2"), None),
    ("pip unknown option", pip("--upgrade"), None),
    ("pip block", HEAD + "  - pip\n  - pip:\n    - |\n      six\n      numpy==1.2\n", None),
    ("pip null", HEAD + "  - pip\n  - pip:\n", None),
    ("pip empty", HEAD + "  - pip\n  - pip: []\n", None),
    ("pip text", HEAD + "  - pip\n  - pip: six\n", "conda takes every letter for a requirement"),
    ("pip mapping", HEAD + "  - pip\n  - pip:\n    - six: 1\n", None),
    ("pip number", HEAD + "  - pip\n  - pip:\n    - 12\n", None),
    ("pip without pip", HEAD + "  - python\n  - pip:\n    - six\n", None),
    ("two pip sections", HEAD + "  - pip\n  - pip: [a]\n  - pip: [b]\n", "conda forgets the first"),
]


def conda_reader(source, scratch):
    """The result of read(path): a dict, or the text of an error."""
    tree = source_tree(pathlib.Path(source), scratch)
    os.environ.update(CONDARC="/nonexistent", CONDA_ENVS_PATH=str(scratch), HOME=str(scratch))
    sys.path.insert(0, str(tree))
    if not (tree / "conda" / "_version.py").exists():  # written when conda is installed
        sys.modules["conda._version"] = type(sys)("conda._version")
        sys.modules["conda._version"].__version__ = "0"
    from conda.env import env
    from conda.common.serialize import yaml
    from conda.models.match_spec import MatchSpec

    def read(path):
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                errors = env.get_schema_errors(yaml.loads(env.load_file(str(path))) or {})
                if errors:
                    return "; ".join(str(error) for error in errors)
                found = env.from_file(str(path))
        except Exception as error:  # conda's error, ruamel's, or a TypeError where conda lacks a check
            return f"{type(error).__name__}: {error}"
        raw = [line for line in found.dependencies.raw or [] if isinstance(line, str)]
        return {"name": found.name or "", "channels": found.channels, "specs": raw, "pip": found.dependencies.get("pip", []),
                "variables": found.variables or {}}
    return read, MatchSpec


def spec_row(spec):
    """conda's reading of a spec. It takes "=1.2" as 1.2.*; a build of "*" counts as no build."""
    field = lambda key: str(spec.get_exact_value(key) or spec.get_raw_value(key) or "")
    url = field("url")
    if url:
        return ("url", url, field("md5"), field("sha256"))
    channel = spec.get_raw_value("channel")
    return (spec.name, str(spec.version or ""), field("build"), field("build_number"), str(channel.canonical_name if channel else ""), field("subdir"),
            field("md5"), field("sha256"))


def compare_specs(theirs, ours, match_spec):
    """`theirs`: the texts; `ours`: rows of inspect. Joins name, version and build to a spec again, so that the
    parsed fields are compared and not the copied text."""
    for text, row in zip(theirs, ours):
        wanted = match_spec(text)
        if "://" in text and "::" not in text:
            if row["name"] != wanted.name:
                return f"{text}: the name {row['name']}, conda's {wanted.name}"
            continue
        if spec_row(match_spec(row["spec"])) != spec_row(wanted):
            return f"{text}: passed on as {row['spec']}"
        version = row["version"]
        # NAME=1.2 means 1.2.*; NAME 1.2 and NAME=1.2=BUILD mean 1.2. Our field has the text after the operator.
        fuzzy = re.match(r"^[^=<>!~\s\[]+\s*=\s*[^=\s<>~*|,]+$", re.sub(r"\s#.*|\[.*", "", text).split("::")[-1].strip())
        version = version + ".*" if fuzzy and "version" not in text else version
        try:
            again = match_spec(name=row["name"], **({"version": version} if version else {}), **({"build": row["build"]} if row["build"] else {}))
        except Exception as error:
            return f"{text}: ours {row['name']} {version} {row['build']} is none: {error}"
        plain = lambda spec: (spec.name, str(spec.version or "").lstrip("=").removesuffix("*").removesuffix("."), spec.get_raw_value("build") or "*")
        if plain(again) != plain(wanted):
            return f"{text}: ours {row['name']} {row['version']} {row['build']}, conda's {spec_row(wanted)}"
        if ("::" in text) != bool(row["channel"]) and "channel" not in text and "subdir" not in text:
            return f"{text}: channel {row['channel']}"
    if len(theirs) != len(ours):
        return f"{len(ours)} specs, conda's {len(theirs)}"
    return ""


def difference(path, read, match_spec, tinderbox):
    """"" or the difference."""
    theirs = read(path)
    answer = subprocess.run([tinderbox, "inspect", path.name, "--json"], capture_output=True, text=True, cwd=path.parent)
    assert answer.returncode in (0, 2), answer
    ours = json.loads(answer.stdout) if answer.returncode == 0 else answer.stderr.strip()
    requirements = None
    if not isinstance(theirs, str):
        # As conda's installer writes the file: an entry a line, beside the environment.yml.
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix="condaenv.", suffix=".requirements.txt") as file:
            file.write("\n".join(str(line) for line in theirs["pip"]))
            file.flush()
            before = os.getcwd()
            os.chdir(path.parent)
            with contextlib.redirect_stderr(io.StringIO()):  # optparse prints its usage
                requirements = read_with_pip(pathlib.Path(file.name))
            os.chdir(before)
        if isinstance(requirements, str):
            theirs = f"pip: {requirements}"
    if isinstance(theirs, str) or isinstance(ours, str):
        if isinstance(theirs, str) and isinstance(ours, str):
            return ""
        return f"conda: {theirs if isinstance(theirs, str) else 'accepts'}\n    we: {ours if isinstance(ours, str) else 'accept (' + ours['kind'] + ')'}"
    if ours["kind"] != "environment.yml":
        return f"we take it for {ours['kind']}"
    channels = [c for c in theirs["channels"] if c != "nodefaults"]
    without_logins = lambda urls: [re.sub(r"/t/[^/]*/", "/", re.sub(r"//[^/@]*@", "//", url)) for url in urls]
    for what, a, b in (("name", theirs["name"], ours["name"]), ("channels", without_logins(channels), ours["channels"]),
                       ("variables", {k: str(v) for k, v in theirs["variables"].items()}, ours["variables"])):
        if a != b:
            return f"{what}\n    conda: {a}\n    we:    {b}"
    # conda adds "pip" where only a pip section needs it.
    specs = theirs["specs"]
    if specs[:1] == ["pip"] and len(specs) == len(ours["conda"]) + 1 and theirs["pip"]:
        specs = specs[1:]
    return compare_specs(specs, ours["conda"], match_spec) or agree(requirements, what_we_said(ours))


# Allowed differences in real files, recognised from both answers.
WANTED = [
    ("conda calls missing or empty dependencies an error; here the build says that nothing is asked for",
     lambda said: "Missing required field 'dependencies'" in said or "Invalid type for 'dependencies', expected a list\n    we: accept" in said),
    ("a digest that is none, which pip notices when it downloads", lambda said: "hexadecimal digits behind the ':'" in said),
]


def main():
    arguments = [a for a in sys.argv[1:] if a != "--list"]
    tinderbox, source, directories = os.path.abspath(arguments[0]), arguments[1], [pathlib.Path(a).resolve() for a in arguments[2:]]
    os.environ.update(TEST_USER="user")
    counts, failures = collections.Counter(), 0
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        read, match_spec = conda_reader(source, scratch)
        (scratch / "cases").mkdir()
        for name, content, why in CASES:
            path = scratch / "cases" / "environment.yml"
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            said = difference(path, read, match_spec, tinderbox)
            counts["cases"] += 1
            counts["wanted"] += bool(said and why)
            if said and why and "--list" in sys.argv:
                print(f"{name}: wanted: {why}\n    {said}")
            elif bool(said) != bool(why):
                failures += 1
                print(f"{name}: DIFFERS: {said or 'no longer; remove the reason: ' + why}")
        for directory in directories:
            for path in sorted([*directory.rglob("*.yml"), *directory.rglob("*.yaml")]):
                said = difference(path, read, match_spec, tinderbox)
                counts["files"] += 1
                reason = next((why for why, holds in WANTED if said and holds(said)), None)
                if reason:
                    counts[reason] += 1
                elif said:
                    failures += 1
                    print(f"{path.name}: DIFFERS: {said}")
    print(f"{counts['cases']} cases, {counts['wanted']} of them different on purpose; {counts['files']} files; {failures} differ otherwise")
    for reason, _ in WANTED:
        if counts[reason]:
            print(f"    {counts[reason]} files: {reason}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
