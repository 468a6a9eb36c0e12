#!/usr/bin/env python3
"""Writes packaging_cases.json: the answers of the `packaging` library to some thousand inputs.

The table is committed, so that the tests need no Python. To renew it, run this in an environment with packaging >= 26
and review the diff.
"""
import itertools
import json
import pathlib
import random

from packaging import tags
from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet
from packaging.utils import parse_wheel_filename
from packaging.version import InvalidVersion, Version

random.seed(440)

ORDERED = """
0.dev0 0 0.0.1 1.0.dev1 1.0.dev456 1.0a1 1.0a2.dev456 1.0a12.dev456 1.0a12 1.0b1.dev456 1.0b2 1.0b2.post345.dev456
1.0b2.post345 1.0rc1.dev456 1.0rc1 1.0 1.0+abc.5 1.0+abc.7 1.0+5 1.0.post456.dev34 1.0.post456 1.0.15 1.1.dev1 1.1a1
1.1 1.1.0.post1 1.2+123abc 1.2+123abc456 1.2+abc 1.2+abc123 1.2+abc123def 1.2+1234.abc 1.2+123456 1.2.r32+123456
1.2.rev33+123456 2.0.dev1 2.0 2.0.1 2.9.1 2.9.1+cu128 2.9.1+cu130 10.0 2024.12.25 20241225.123456789012345678901234567890
1!0.5 1!1.0a1 1!1.0 1!1.0.post1 3!2.0
""".split()
SPELLINGS = """
v1.0 V1.0 1.0-alpha 1.0.ALPHA.1 1.0-a.1 1.0_beta2 1.0c3 1.0-C.3 1.0pre1 1.0.preview_2 1.0-rc-1 1.0rc 1.0a 1.0-1 1.0-post 1.0.post
1.0r4 1.0.rev-4 1.0post1dev2 1.0dev 1.0-dev_3 1.0+Ubuntu-1 1.0+ubuntu_1.2 00.01.002 1.0.post00 1!01.0 007 1.0a01.post02.dev03+004
1.0.0.0.0 1.0.dev4.dev5 1.0a1a2 1.0+ +1.0 1.0++a 1.0+a..b 1.0+a. 1..0 1. .1 1.0. 1!  !1 1!!1 a1 1.0x 1.0-
1.0-x 1.0_ 1.0a_ 1.0a.b 1.0-1-2 1.0post-1-1 1.0.post1.post2 1.0-1.post2 latest 1.0* 1.* vv1 v 1.0.a 1.0\u0661 1.0a1+x_y-z.0
1.0.dev- 1.0.dev1- 1.0+a+b 1.0~1 1,0 2012.4 2.0.0rc1.post1.dev3+g1234
""".split() + ["", " 1.0 ", "1 .0", "\t1.0\n", "1.0 rc1"]


def version_cases():
    out = []
    for text in ORDERED + SPELLINGS:
        try:
            v = Version(text)
            out.append([text, str(v), v.public, v.base_version, v.is_prerelease])
        except InvalidVersion:
            out.append([text])
    return out


def order_cases():
    versions = [t for t in ORDERED + SPELLINGS if _valid(t)]
    pairs = random.sample(list(itertools.combinations(versions, 2)), 500)
    return [[a, b, (Version(a) > Version(b)) - (Version(a) < Version(b))] for a, b in pairs]


def _valid(text):
    try:
        Version(text)
        return True
    except InvalidVersion:
        return False


SPECIFIERS = """
==1.0 ==1 ==1.0.0 ==1.0.* ==1.* ==1.0+abc.5 ==1.2+123456 ==1.0a1 !=1.0 !=1.0.* !=1.0+abc.5 ~=1.0 ~=1.0.0 ~=1.1.0 ~=1.0a1 ~=1.0b2.post345
~=2.9.1 ~=1!1.0 >=1.0 >=1.0a1 >=1.0.dev1 >=1.0.post456 <=1.0 <=1.0b2 <=1.0.post456 <1.0 <1.0a1 <1.0.post456 <1.1 <2.0 <1.1.0.post1
>1.0 >1.0a1 >1.0.post456 >1.0b2 >1.1 >2.9 >2.9.1 >1.0.dev1 ===1.0 ===1.0.0 ===1.0+ABC.5 ===2.9.1+cu128 ==2.9.1 >=2.9.1 <=2.9.1 !=2.9.1
==1!0.5 ==1!1.* >=1!0 <1!1.0 ==20241225.* >=20241225.123456789012345678901234567889 ==v1.0 ==1.0-1 ==1.0.ALPHA.1 ==1.1.* ==1.0a1.post1 >=0 <0 ==0.* <0.dev0
""".split()
SETS = [">=1.0,<2.0", ">=1.0,!=1.0.15,<1.2", ">=1.0a1,<2", "~=1.0,!=1.0.post456", ">0,<1", "==1.0,==1.0+abc.5", ">=1,<=1", ">=2.9,<3",
        " >= 1.0 , < 2.0 ", ">=1.0,,<2", "", ",", "!=1.*,!=2.*", ">=1.0.dev1,<1.0", ">1.0,<1.0.15", "<=2.0,>1.2"]
BAD_SPECIFIERS = """
1.0 ==1!* =1.0 =>1.0 ~=1 ~=1.0.* ~=1.0+abc >=1.0.* <=1.0.* >1.* <1.* >=1.0+abc <1.0+abc >1.0+abc <=1.0+a ==1.0.*.* ==1.0a1.* ==1.0+abc.* ==1.0.dev1.*
==1.0.post1.* == ~= >= ==abc >=abc ==1.0* ==* !=* ><1 ==1.0;2 ===abc ===1.0.* !==1.0 <>1.0 ==1.0.*+x >=latest ==1!1!1
""".split() + [">= 1.0 2.0", "== 1 .0", "=== 1.0 ", "=== 1 0", "==  1.0", ">=1.0 <2.0"]


def specifier_cases():
    out = []
    for text in SPECIFIERS + SETS:
        spec = SpecifierSet(text)
        yes = [v for v in ORDERED if spec.contains(v, prereleases=True)]
        pre = any(Version(v).is_prerelease and spec.contains(v, prereleases=None) and spec.prereleases for v in yes)
        out.append([text, yes, bool(spec.prereleases), pre])
    return out


def specifier_syntax_cases():
    out = []
    for text in SPECIFIERS + BAD_SPECIFIERS:
        try:
            Specifier(text)
            out.append([text, True])
        except InvalidSpecifier:
            out.append([text, False])
    return out


def environment(python, machine):
    full = python if python.count(".") == 2 else python + ".0"
    return {
        "implementation_name": "cpython", "implementation_version": full, "os_name": "posix",
        "platform_machine": machine, "platform_python_implementation": "CPython", "platform_release": "",
        "platform_system": "Linux", "platform_version": "", "python_full_version": full,
        "python_version": ".".join(full.split(".")[:2]), "sys_platform": "linux",
    }


MARKERS = """
python_version < "3.11"
python_version >= '3.10'
python_version == "3.1"
python_version == "3.1*"
python_version == "3.1.*"
python_version == "3.11.*"
python_version ~= "3.9"
python_version in "3.9 3.11"
python_version not in "2.7, 3.11"
python_version > "3"
python_version != "3.13"
python_full_version >= "3.11.4"
python_full_version < "3.11.0rc1"
python_full_version == "3.9.18"
python_full_version <= "3.13.0"
"3.10" <= python_version
"3.12" > python_version
"linux" in sys_platform
"win" in sys_platform
'win' not in sys_platform
sys_platform == "linux"
sys_platform != "win32"
sys_platform >= "linux"
sys_platform > "a"
sys_platform < "win32"
os_name == "nt"
os_name == 'posix'
os.name == 'posix'
sys.platform == 'linux'
platform.machine == 'x86_64'
python_implementation == 'CPython'
platform.python_implementation != 'PyPy'
platform_system == "Linux" and platform_machine == "x86_64"
platform_machine == "aarch64" or platform_machine == "arm64"
platform_machine in "x86_64 amd64 AMD64"
platform_release >= "4.0"
platform_release == ""
platform_version == ""
implementation_name == "cpython"
implementation_name == "pypy" and python_version < "3.9" or sys_platform == "linux"
implementation_version >= "3.10"
extra == "test"
extra == "Test_Extra"
extra == 'test-extra'
"test" == extra
extra != "test"
extra == "test" and python_version < "3.10"
extra == 'test' or extra == 'docs'
(extra == "docs") and (python_version >= "3.8")
python_version < "3.10" and (sys_platform == "linux" or sys_platform == "darwin")
python_version < "3.10" or sys_platform == "linux" and platform_machine == "aarch64"
(python_version < "3.10" or sys_platform == "linux") and platform_machine == "aarch64"
((((python_version>="3.8"))))
python_version<"3.9"and os_name=="posix"
platform_python_implementation == "CPython" and python_version >= "3.13"
python_version == "3.11" and python_version == '3.11'
sys_platform === "linux"
sys_platform ~= "linux"
python_version === "3.11"
python_version ~= "3"
python_version >= "abc"
python_version == "abc"
python_version != "abc"
python_full_version > "3.8.*"
platform_machine == "x86_64" and platform_system == "Linux" and sys_platform == "linux" and python_version >= "3.9"
"x86" in platform_machine
python_version in "3.1"
""".strip().splitlines()
BAD_MARKERS = """
python_version
python_version <
python_version < 3.8
python < "3.8"
python_version < "3.8
python_version < "3.8" and
and python_version < "3.8"
(python_version < "3.8"
python_version < "3.8")
python_version < "3.8" or or os_name == "posix"
python_version =< "3.8"
python_version = "3.8"
python_version not "3.8"
not python_version < "3.8"
python_version < "3.8" os_name == "posix"
os_name == posix
()
""".strip().splitlines() + [""]


def marker_cases():
    out = []
    for text in MARKERS:
        row = []
        for python, machine in (("3.9.18", "x86_64"), ("3.11", "x86_64"), ("3.13.1", "aarch64")):
            for extra in ("", "test", "test-extra", "docs"):
                env = dict(environment(python, machine), extra=extra)
                try:
                    row.append(Marker(text).evaluate(env))
                except Exception:
                    row.append(None)
        out.append([text, row])
    for text in BAD_MARKERS:
        try:
            Marker(text)
            raise SystemExit(f"packaging accepts {text!r}")
        except Exception:
            out.append([text, None])
    return out


REQUIREMENTS = """
numpy
numpy==1.0
NumPy == 1.0
zope.interface>=5
ruamel_yaml  <1,>0.15
a--b_.c
requests[security]
requests[security,socks]>=2.8.1,==2.8.*;python_version<"2.7"
requests [ Socks_Five , security ] >= 2.8.1
name[]
name[ ]>=1
name@http://foo.com
name @ https://example.org/name-1.0-py3-none-any.whl
name[a,b] @ https://example.org/x.whl#sha256=00 ; python_version >= "3.8"
name @ file:///tmp/a%20b.whl
name (>=1.0)
name (>=1.0,<2) ; os_name == "posix"
name ()
name; python_version<"3.8"
name>=1;os_name=='nt'
typing-extensions>=4.6.0; python_version < "3.13"
nvidia-cublas-cu12==12.8.4.1; platform_system == "Linux" and platform_machine == "x86_64"
A
1a
name===1.0.whatever
name ~= 1.4
name!=1.5,>=1
""".strip().splitlines()
BAD_REQUIREMENTS = """
-numpy
_numpy
numpy-
numpy=1.0
numpy 1.0
numpy==
numpy==1.0 2.0
numpy>=1.0,
numpy[a
numpy[a,]
numpy[,a]
numpy[a b]
numpy[-a]
numpy]
numpy @
numpy @ ; python_version < "3"
numpy (>=1.0
numpy>=1.0)
numpy ; 
numpy ; python_version
numpy==1.0 ; python_version < "3" foo
https://example.org/x.whl
./x.whl
numpy>=1.0 <2.0
numpy==1.0 --hash=sha256:aa
nümpy
numpy,scipy
""".strip("\n").splitlines() + [""]


def requirement_cases():
    out = []
    for text in REQUIREMENTS + BAD_REQUIREMENTS:
        try:
            r = Requirement(text)
            from packaging.utils import canonicalize_name as canon
            out.append([text, canon(r.name), sorted({canon(e) for e in r.extras}),
                        sorted(map(str, r.specifier)), r.url or "", r.marker is not None])
        except InvalidRequirement:
            out.append([text])
    return out


def platform_list(arch, glibc):
    low = 5 if arch == "x86_64" else 17
    out = []
    for minor in range(glibc, low - 1, -1):
        out.append(f"manylinux_2_{minor}_{arch}")
        alias = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}.get(minor)
        if alias:
            out.append(f"{alias}_{arch}")
    return out + [f"linux_{arch}"]


def tag_cases():
    out = []
    for python, arch, glibc, threaded in (((3, 11), "x86_64", 28, False), ((3, 8), "x86_64", 17, False),
                                          ((3, 13), "x86_64", 35, True), ((3, 12), "aarch64", 34, False),
                                          ((3, 7), "x86_64", 17, False), ((3, 14), "aarch64", 28, True)):
        name = f"cp{python[0]}{python[1]}"
        abi = name + ("t" if threaded else "m" if python < (3, 8) else "")
        platforms = platform_list(arch, glibc)
        all_tags = list(tags.cpython_tags(python, [abi], platforms))
        all_tags += list(tags.compatible_tags(python, name, platforms))
        unique = list(dict.fromkeys(map(str, all_tags)))
        out.append({"python": f"{python[0]}.{python[1]}", "platform": "linux-64" if arch == "x86_64" else "linux-aarch64",
                    "glibc": f"2.{glibc}", "threaded": threaded, "count": len(unique),
                    "some": [[i, unique[i]] for i in sorted(random.sample(range(len(unique)), 60)) + [0, len(unique) - 1]]})
    return out


WHEELS = """
numpy-2.3.5-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl
torch-2.9.1+cu128-cp311-cp311-manylinux_2_28_x86_64.whl
foo_bar-1.0-1-py2.py3-none-any.whl
foo-1.0-12abc-py3-none-any.whl
foo-1.0-abc-py3-none-any.whl
six-1.16.0-py2.py3-none-any.whl
cryptography-43.0.0-cp39-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl
ruamel.yaml-0.18-cp311-cp311-linux_x86_64.whl
foo-bar-1.0-py3-none-any.whl
foo-bad-py3-none-any.whl
foo-1.0-py3-none.whl
foo-1.0.whl
foo-1.0-py3-none-any.zip
""".split()


def wheel_cases():
    out = []
    for text in WHEELS:
        try:
            name, version, build, t = parse_wheel_filename(text)
            out.append([text, name, str(version), list(build), sorted(map(str, t))])
        except Exception:
            out.append([text])
    return out


cases = {"versions": version_cases(), "order": order_cases(), "specifiers": specifier_cases(),
         "candidates": ORDERED, "specifier_syntax": specifier_syntax_cases(), "markers": marker_cases(),
         "requirements": requirement_cases(), "tags": tag_cases(), "wheels": wheel_cases()}
path = pathlib.Path(__file__).with_name("packaging_cases.json")
lines = []
for key, rows in cases.items():
    lines.append(json.dumps(key) + ": [\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]")
path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
