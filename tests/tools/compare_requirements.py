#!/usr/bin/env python3
"""Compares our reader of requirements files with pip's own parser, file by file.

    compare_requirements.py TINDERBOX [--list]

Each case is a set of small files. pip (parse_requirements, then install_req_from_parsed_requirement) and `tinderbox inspect
--json` read the first. Both must accept it or both refuse it, with the same requirements, constraints, hashes and options. A
case has the reason for an intended difference. Exit 1 for any other difference.
"""
import json
import optparse
import os
import pathlib
import subprocess
import sys
import tempfile

import pip._internal.exceptions
from pip._internal.index.collector import LinkCollector
from pip._internal.index.package_finder import PackageFinder
from pip._internal.models.search_scope import SearchScope
from pip._internal.models.selection_prefs import SelectionPreferences
from pip._internal.network.session import PipSession
from pip._internal.req.constructors import install_req_from_parsed_requirement
from pip._internal.req.req_file import parse_requirements

A, B = "a" * 64, "b" * 64

# (name, {file: content}, the reason for an intended difference or None)
CASES = [
    ("plain", {"r.txt": "numpy\ntorch==2.9.1\nsix>=1,<2\n"}, None),
    ("spaces", {"r.txt": "  numpy  >= 1.0 , < 2  \n\tsix == 1.16.0\n"}, None),
    ("compatible", {"r.txt": "a~=1.4.2\nb!=1.0\nc===1.0-weird\nd==1.*\n"}, None),
    ("legacy parentheses", {"r.txt": "numpy (>=1.0,<2)\n"}, None),
    ("extras", {"r.txt": "requests[security,tests]>=2.8.1\nuvicorn [standard]\n"}, None),
    ("markers", {"r.txt": "a; python_version < '3.8'\nb ; sys_platform == 'win32' and extra == 'x'\nc>=1;os_name=='posix'\n"}, None),
    ("marker parentheses", {"r.txt": "a==1 ; (python_version < '3' or platform_machine != 'x86_64') and implementation_name == 'cpython'\n"}, None),
    ("marker in", {"r.txt": "a; 'linux' in sys_platform\nb; platform_machine not in 'x86_64 aarch64'\n"}, None),
    ("comments", {"r.txt": "# head\nnumpy  # why\nsix#not-a-comment==1\n"}, None),
    ("comment without space", {"r.txt": "numpy #x\nsix\t# y\n"}, None),
    ("empty", {"r.txt": ""}, "it asks for nothing, which is a mistake here"),
    ("blank lines", {"r.txt": "\n\n   \n\t\n# only\n"}, "it asks for nothing, which is a mistake here"),
    ("continuation", {"r.txt": "numpy \\\n  ==2.0\nsix==\\\n1.16.0\n"}, None),
    ("continuation at the end", {"r.txt": "numpy==2.0 \\\n"}, None),
    ("continuation with comment", {"r.txt": "numpy \\\n# comment\n==2.0\n"}, None),
    ("comment with backslash", {"r.txt": "# a \\\nnumpy\n"}, None),
    ("crlf", {"r.txt": "numpy==1.0\r\nsix \\\r\n ==1.16\r\n"}, None),
    ("bom", {"r.txt": b"\xef\xbb\xbfnumpy==1.0\n"}, None),
    ("utf-16", {"r.txt": "numpy==1.0\nsix\n".encode("utf-16")}, None),
    ("utf-16 be", {"r.txt": b"\xfe\xff" + "numpy==1.0\n".encode("utf-16-be")}, None),
    ("utf-32", {"r.txt": b"\xff\xfe\0\0" + "numpy==1.0\n".encode("utf-32-le")}, None),
    ("coding comment", {"r.txt": "# -*- coding: latin-1 -*-\n# caf\xe9\nnumpy\n".encode("latin-1")}, None),
    ("form feed", {"r.txt": "numpy\x0csix\n"}, None),
    ("hashes", {"r.txt": f"numpy==1.0 --hash=sha256:{A} --hash=sha256:{B}\n"}, None),
    ("hashes on lines", {"r.txt": f"numpy==1.0 \\\n    --hash=sha256:{A} \\\n    --hash=sha256:{B}\n"}, None),
    ("hash with space", {"r.txt": f"numpy==1.0 --hash sha256:{A}\n"}, None),
    ("hash sha512", {"r.txt": f"numpy==1.0 --hash=sha512:{A}{B}\n"}, None),
    ("hash md5", {"r.txt": "numpy==1.0 --hash=md5:" + "a" * 32 + "\n"}, None),
    ("hash without colon", {"r.txt": "numpy==1.0 --hash=sha256\n"}, None),
    ("hash upper case", {"r.txt": f"numpy==1.0 --hash=sha256:{A.upper()}\n"}, "pip compares the digest as written and would never match; it is read as hexadecimal"),
    ("hash short", {"r.txt": "numpy==1.0 --hash=sha256:abc\n"}, "pip only fails at the download; the digest cannot be one"),
    ("hash alone", {"r.txt": f"--hash=sha256:{A}\n"}, "pip ignores it silently"),
    ("marker and hash", {"r.txt": f"numpy==1.0 ; python_version > '3' --hash=sha256:{A}\n"}, None),
    ("nested", {"r.txt": "-r other.txt\nsix\n", "other.txt": "numpy\n"}, None),
    ("nested long", {"r.txt": "--requirement other.txt\n--requirement=sub/more.txt\n", "other.txt": "numpy\n", "sub/more.txt": "six\n"}, None),
    ("nested glued", {"r.txt": "-rother.txt\n", "other.txt": "numpy\n"}, None),
    ("nested relative", {"r.txt": "-r sub/a.txt\n", "sub/a.txt": "-r b.txt\n", "sub/b.txt": "numpy\n"}, None),
    ("nested missing", {"r.txt": "-r none.txt\n"}, None),
    ("nested circle", {"r.txt": "-r a.txt\n", "a.txt": "-r r.txt\n"}, None),
    ("nested itself", {"r.txt": "-r r.txt\n"}, None),
    ("constraints", {"r.txt": "-c c.txt\nnumpy\n", "c.txt": "numpy<2\nsix==1\n"}, None),
    ("constraints nested", {"r.txt": "-c c.txt\nnumpy\n", "c.txt": "-r d.txt\n", "d.txt": "numpy<2\n"}, None),
    ("constraint extras", {"r.txt": "-c c.txt\nnumpy\n", "c.txt": "numpy[x]<2\n"}, "pip refuses it when it resolves"),
    ("index", {"r.txt": "-i https://a.example/simple\nnumpy\n"}, None),
    ("index long", {"r.txt": "--index-url=https://a.example/simple\n--extra-index-url https://b.example/simple\nnumpy\n"}, None),
    ("pypi-url", {"r.txt": "--pypi-url https://a.example/simple\nnumpy\n"}, None),
    ("two indexes", {"r.txt": "-i https://a.example/simple\n-i https://b.example/simple\nnumpy\n"}, None),
    ("extra twice", {"r.txt": "--extra-index-url https://a.example --extra-index-url https://b.example\nnumpy\n"}, None),
    ("find-links", {"r.txt": "-f https://a.example/links.html\n--find-links=https://b.example/\nnumpy\n"}, None),
    ("no-index", {"r.txt": "--no-index\nnumpy\n"}, None),
    ("pre", {"r.txt": "--pre\nnumpy\n"}, None),
    ("no-require-hashes", {"r.txt": "--no-require-hashes\nnumpy\n"}, None),
    ("lone carriage return", {"r.txt": "numpy\rsix\r"}, None),
    ("unicode line separator", {"r.txt": "numpy\u2028six\n"}, None),
    ("nested utf-16", {"r.txt": "-r o.txt\n", "o.txt": "numpy\n".encode("utf-16")}, None),
    ("semicolon at the end", {"r.txt": "six @ https://a.example/six-1.16.0-py2.py3-none-any.whl ;\n"}, None),
    ("require-hashes", {"r.txt": f"--require-hashes\nnumpy==1 --hash=sha256:{A}\n"}, None),
    ("prefer-binary", {"r.txt": "--prefer-binary\nnumpy\n"}, None),
    ("only-binary", {"r.txt": "--only-binary :all:\n--no-binary numpy,six\nnumpy\n"}, None),
    ("only-binary none", {"r.txt": "--only-binary=:all:\n--only-binary=:none:\nnumpy\n"}, None),
    ("trusted-host", {"r.txt": "--trusted-host localhost:8080\nnumpy\n"}, None),
    ("use-feature", {"r.txt": "--use-feature fast-deps\nnumpy\n"}, None),
    ("abbreviated option", {"r.txt": "--extra-index https://a.example/simple\nnumpy\n"}, None),
    ("ambiguous option", {"r.txt": "--no https://a.example/simple\nnumpy\n"}, None),
    ("unknown option", {"r.txt": "--upgrade\nnumpy\n"}, None),
    ("unknown letter", {"r.txt": "-U numpy\n"}, None),
    ("option without value", {"r.txt": "--index-url\n"}, None),
    ("flag with value", {"r.txt": "--no-index=yes\n"}, None),
    ("option behind a requirement", {"r.txt": "numpy --no-index\n"}, None),
    ("index behind a requirement", {"r.txt": "numpy -i https://a.example/simple\n"}, None),
    ("word behind an option", {"r.txt": "--no-index numpy\n"}, "pip ignores the word silently"),
    ("config settings", {"r.txt": "numpy --config-settings=a=b\nsix --config-setting x=y\n"}, None),
    ("global option", {"r.txt": "numpy --global-option=build\n"}, "pips before 25 accept it; it only matters when something is built"),
    ("quoted option", {"r.txt": "--index-url 'https://a.example/simple'\nnumpy\n"}, None),
    ("unclosed quote", {"r.txt": "--index-url 'https://a.example/simple\n"}, None),
    ("url", {"r.txt": "https://a.example/six-1.16.0-py2.py3-none-any.whl\n"}, None),
    ("url with name", {"r.txt": "six @ https://a.example/six-1.16.0-py2.py3-none-any.whl\n"}, None),
    ("url with marker", {"r.txt": "six @ https://a.example/six-1.16.0-py2.py3-none-any.whl ; python_version > '3'\n"}, None),
    ("url with hash", {"r.txt": f"six @ https://a.example/six-1.16.0-py2.py3-none-any.whl#sha256={A}\n"}, None),
    ("url with egg", {"r.txt": "https://a.example/six-1.16.0-py2.py3-none-any.whl#egg=six\n"}, None),
    ("url with extras", {"r.txt": "six[a] @ https://a.example/six-1.16.0-py2.py3-none-any.whl\n"}, None),
    ("url glued", {"r.txt": "six@https://a.example/six-1.16.0-py2.py3-none-any.whl\n"}, None),
    ("url with variable", {"r.txt": "six @ https://${TEST_USER}@a.example/six-1.16.0-py2.py3-none-any.whl\n"}, None),
    ("vcs", {"r.txt": "git+https://a.example/x.git#egg=x\n"}, None),
    ("vcs named", {"r.txt": "x @ git+https://a.example/x.git@v1\n"}, None),
    ("vcs ssh", {"r.txt": "git+ssh://git@a.example/x.git#egg=x\n"}, None),
    ("editable vcs", {"r.txt": "-e git+https://a.example/x.git#egg=x\n"}, None),
    ("editable directory", {"r.txt": "-e ./project\n", "project/setup.py": "from setuptools import setup\nsetup(name='x')\n"}, None),
    ("editable missing", {"r.txt": "-e ./none\n"}, "pip refuses a directory that is not there; it is refused when something is built, as any editable"),
    ("directory", {"r.txt": "./project\n", "project/setup.py": "from setuptools import setup\nsetup(name='x')\n"}, None),
    ("wheel file", {"r.txt": "./six-1.16.0-py2.py3-none-any.whl\n", "six-1.16.0-py2.py3-none-any.whl": "x"}, None),
    ("wheel file with extras", {"r.txt": "./six-1.16.0-py2.py3-none-any.whl[a,b]\n", "six-1.16.0-py2.py3-none-any.whl": "x"}, None),
    ("wheel missing", {"r.txt": "./six-1.16.0-py2.py3-none-any.whl\n"}, "pip notices when it installs"),
    ("variable", {"r.txt": "numpy==${TEST_VERSION}\n"}, None),
    ("variable unset", {"r.txt": "--index-url https://${TEST_UNSET}/simple\nnumpy\n"}, None),
    ("variable lower case", {"r.txt": "--index-url https://${test_user}/simple\nnumpy\n"}, None),
    ("variable without braces", {"r.txt": "--index-url https://$TEST_USER/simple\nnumpy\n"}, None),
    ("single equals", {"r.txt": "numpy=1.0\n"}, None),
    ("two names", {"r.txt": "numpy six\n"}, None),
    ("bad version", {"r.txt": "numpy==abc\n"}, None),
    ("bad specifier", {"r.txt": "numpy>>1\n"}, None),
    ("bad marker", {"r.txt": "numpy; python_version\n"}, None),
    ("marker typo", {"r.txt": "numpy; python_verson > '3'\n"}, None),
    ("bad extras", {"r.txt": "numpy[a\n"}, None),
    ("bad name", {"r.txt": "-numpy-\n"}, None),
    ("name with dot", {"r.txt": "zope.interface==5\nruamel.yaml\n"}, None),
    ("name with underscores", {"r.txt": "Foo_Bar==1\n"}, None),
    ("trailing comma", {"r.txt": "numpy>=1,\n"}, None),
    ("local version", {"r.txt": "torch==2.9.1+cu128\n"}, None),
    ("local version with order", {"r.txt": "torch>=2.9.1+cu128\n"}, None),
    ("epoch", {"r.txt": "a==1!2.0\n"}, None),
    ("pre-release", {"r.txt": "a==1.0rc1\nb>=2.0.dev3\nc==1.0-beta\n"}, None),
    ("wildcard with order", {"r.txt": "a>=1.*\n"}, None),
    ("duplicate", {"r.txt": "numpy==1.0\nnumpy==1.0\n"}, None),
    ("contradiction", {"r.txt": "numpy==1.0\nnumpy==2.0\n"}, None),
    ("yaml list", {"r.txt": "- numpy\n- six\n"}, "pip ignores such lines silently, and installs nothing"),
    ("conda match spec", {"r.txt": "numpy 1.0\n"}, None),
    ("nul", {"r.txt": b"numpy\0\n"}, None),
    ("latin-1 without saying", {"r.txt": b"# caf\xe9\nnumpy\n"}, None),
]
# Every specifier with every ending:
for i, specifier in enumerate(["", "==1.0", ">=1", "~=1.1", "!=1.2", "<2,>=1", "==1.*", " == 1.0", "===1"]):
    for j, ending in enumerate(["", " ", "  # c", " ; python_version >= '3.8'", ";os_name=='nt'  # c", " --hash=sha256:" + A, "[", " ;", " #"]):
        CASES.append((f"generated {i}.{j}", {"r.txt": f"a-b{specifier}{ending}\nlast==1\n"}, None))


def read_with_pip(path):
    """(rows, constraints, options) or the error's text."""
    session = PipSession()
    finder = PackageFinder.create(link_collector=LinkCollector(session=session, search_scope=SearchScope.create([], [], no_index=False)),
                                  selection_prefs=SelectionPreferences(allow_yanked=True))
    options = optparse.Values({"features_enabled": [], "isolated_mode": False, "require_hashes": False, "format_control": None})
    rows, constraints = [], []
    try:
        for parsed in parse_requirements(str(path), session=session, finder=finder, options=options):
            if parsed.requirement.startswith("-"):
                raise pip._internal.exceptions.InstallationError(parsed.requirement)
            requirement = install_req_from_parsed_requirement(parsed)
            hashes = sorted(f"{algorithm}:{digest}" for algorithm, digests in (requirement.hash_options or {}).items() for digest in digests)
            req = requirement.req
            row = {"name": req.name.lower().replace("_", "-").replace(".", "-") if req else "", "extras": sorted(requirement.extras),
                   "specifier": sorted(map(str, req.specifier)) if req and not requirement.link else [], "marker": str(requirement.markers or ""), "hashes": hashes,
                   "editable": requirement.editable}
            (constraints if parsed.constraint else rows).append(row)
    except (pip._internal.exceptions.PipError, UnicodeError, SystemExit, RecursionError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    scope = finder.search_scope
    said = {"index_urls": list(scope.index_urls), "find_links": list(scope.find_links), "no_index": scope.no_index,
            "pre": ":all:" in getattr(finder.release_control, "all_releases", ()), "prefer_binary": finder.prefer_binary,
            "require_hashes": bool(options.require_hashes), "trusted": sorted(str(h) for h in finder.trusted_hosts)}
    return rows, constraints, said


def read_with_us(tinderbox, path):
    answer = subprocess.run([tinderbox, "inspect", path.name, "--json"], capture_output=True, text=True, cwd=path.parent)
    if answer.returncode != 0:
        assert answer.returncode == 2, answer
        return answer.stderr.strip()
    said = json.loads(answer.stdout)
    assert said["kind"] == "requirements.txt", said["kind"]
    return what_we_said(said)


def what_we_said(said):
    """The pip part of `tinderbox inspect --json`, in the form of read_with_pip."""
    from packaging.requirements import InvalidRequirement, Requirement

    def row(entry):
        text, editable = entry["requirement"], entry["requirement"].startswith("-e ")
        try:
            req = Requirement(text)
            return {"name": entry["name"], "extras": sorted(req.extras), "specifier": sorted(map(str, req.specifier)), "marker": str(req.marker or ""),
                    "hashes": sorted(entry.get("hashes", [])), "editable": editable}
        except InvalidRequirement:  # a URL or a path
            return {"name": entry["name"], "extras": sorted(entry.get("extras", [])), "specifier": [], "marker": entry.get("marker", ""),
                    "hashes": sorted(entry.get("hashes", [])), "editable": editable}
    options = [line.partition(" ") for line in said["pip_options"]]
    values = lambda name: [value for key, _, value in options if key == name]
    flags = {key for key, _, _ in options}
    index = [] if "--no-index" in flags else values("--index-url") + values("--extra-index-url")
    return ([row(e) for e in said["pip"]], [row(e) for e in said.get("constraints", [])],
            {"index_urls": index, "find_links": values("--find-links"), "no_index": "--no-index" in flags, "pre": "--pre" in flags,
             "prefer_binary": "--prefer-binary" in flags, "require_hashes": "--require-hashes" in flags, "trusted": sorted(values("--trusted-host"))})


def agree(theirs, ours):
    """"" or the difference."""
    if isinstance(theirs, str) or isinstance(ours, str):
        if isinstance(theirs, str) and isinstance(ours, str):
            return ""
        return f"pip: {theirs if isinstance(theirs, str) else 'accepts'}\n    we: {ours if isinstance(ours, str) else 'accept'}"
    # Host names are compared in lower case.
    theirs, ours = json.loads(json.dumps(theirs)), json.loads(json.dumps(ours))
    for side in (theirs, ours):
        side[2]["index_urls"] = [url.lower() for url in side[2]["index_urls"]]
    for what, a, b in zip(("requirements", "constraints", "options"), theirs, ours):
        if a != b:
            return f"{what}\n    pip: {a}\n    we:  {b}"
    return ""


def main():
    tinderbox = os.path.abspath(sys.argv[1])
    os.environ.update(TEST_USER="user", TEST_VERSION="1.0")
    os.environ.pop("TEST_UNSET", None)
    failures, wanted = 0, 0
    for name, files, why in CASES:
        with tempfile.TemporaryDirectory() as directory:
            for file, content in files.items():
                path = pathlib.Path(directory, file)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
            os.chdir(directory)
            path = pathlib.Path(directory, "r.txt")
            difference = agree(read_with_pip(path), read_with_us(tinderbox, path))
            os.chdir("/")
        if difference and why:
            wanted += 1
            if "--list" in sys.argv:
                print(f"{name}: wanted: {why}\n    {difference}")
        elif difference or why:
            failures += 1
            print(f"{name}: DIFFERS: {difference or 'no longer; remove the reason: ' + why}")
    print(f"{len(CASES)} files read alike, {wanted} differ on purpose, {failures} otherwise")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
