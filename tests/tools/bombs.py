#!/usr/bin/env python3
"""Small inputs that ask for much work: bombs.py NAME DIR writes one into DIR and prints the arguments of `tinderbox`.

`bombs.py` alone prints the names: the reader, and what is too much of. "-over" at the end: a budget has to be named.
"-fine": it is large, and has to be read. BOMB_PYTHON: a Python that can be captured, for wheels.
"""
import io
import json
import os
import struct
import sys
import tarfile
import zipfile

MIB = 1 << 20


def spec(name, text):
    """A file that `inspect` reads."""
    def make(directory):
        with open(os.path.join(directory, name), "w") as out:
            out.write(text() if callable(text) else text)
        return ["inspect", name]
    return make


def machine(text):
    """The description of a machine, for `build --target`."""
    def make(directory):
        with open(os.path.join(directory, "m.json"), "w") as out:
            out.write('{"tinderbox_machine": 1, "processor": {"architecture": "x86_64"}, ' + text() + "}")
        return ["build", "--pip", "six", "--plan", "--target", "m.json"]
    return make


def toml(text):
    head = '[project]\nname = "a"\nversion = "1"\n'
    return spec("pyproject.toml", lambda: head + (text() if callable(text) else text) + "\n")


def yaml(text):
    return spec("environment.yml", lambda: (text() if callable(text) else text) + "\n")


def construct(text):
    return spec("construct.yaml", lambda: "name: a\nversion: 1\nspecs: [python]\n" + (text() if callable(text) else text))


def laughs(unit, times, deep):
    lines = [f"a0: &a0 {unit}"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * times)}]" for i in range(1, deep)]
    return "\n".join(["dependencies: [python]"] + lines)


def merges(deep, times):
    lines = ["v0: &v0 {a: b}"]
    lines += [f"v{i}: &v{i} {{'<<': [{', '.join([f'*v{i - 1}'] * times)}], k{i}: x}}" for i in range(1, deep)]
    return "\n".join(lines + ["dependencies: [python]", "variables:", f"  <<: *v{deep - 1}"])


def includes(directory):
    for level in range(9):
        with open(os.path.join(directory, f"r{level}.txt"), "w") as out:
            out.write(f"-r r{level + 1}.txt\n" * 8)
    with open(os.path.join(directory, "r9.txt"), "w") as out:
        out.write("six\n")
    return ["inspect", "r0.txt"]


def different_includes(directory):
    for i in range(40000):
        with open(os.path.join(directory, f"q{i}.txt"), "w") as out:
            out.write("six\n")
    with open(os.path.join(directory, "r.txt"), "w") as out:
        out.writelines(f"-r q{i}.txt\n" for i in range(40000))
    return ["inspect", "r.txt"]


def environment_file(directory):
    with open(os.path.join(directory, "construct.yaml"), "w") as out:
        out.write("name: a\nversion: 1\nenvironment_file: construct.yaml\n")
    return ["inspect", "construct.yaml"]


def environment_file_ring(directory):
    for i in range(3):
        with open(os.path.join(directory, f"c{i}.yaml"), "w") as out:
            out.write(f"name: a\nversion: 1\nenvironment_file: ./c{(i + 1) % 3}.yaml\n")
    return ["inspect", "c0.yaml"]


# ---- conda packages --------------------------------------------------------------------------------------------


def info_members():
    index = {"name": "bad", "version": "1.0", "build": "0", "build_number": 0, "depends": []}
    return {"info/index.json": json.dumps(index), "info/paths.json": json.dumps({"paths": [], "paths_version": 1})}


def add(tar, name, data=b"", **fields):
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    for key, value in fields.items():
        setattr(entry, key, value)
    tar.addfile(entry, io.BytesIO(data))


def conda_tar(fill, members=None, mode="w:bz2"):
    """bad-1.0-0.tar.bz2; `fill(tar)` adds what is too much. Python takes half a minute for 400 MB with bzip2; what is
    in the archive counts, and not its filter: "w:gz"."""
    def make(directory):
        path = os.path.join(directory, "bad-1.0-0.tar.bz2")
        with tarfile.open(path, mode, compresslevel=1, format=tarfile.PAX_FORMAT) as tar:
            for name, text in (members or info_members()).items():
                add(tar, name, text.encode())
            fill(tar)
        return explicit(directory, "bad-1.0-0.tar.bz2")
    return make


def explicit(directory, name):
    with open(os.path.join(directory, "bad.txt"), "w") as out:
        out.write("@EXPLICIT\n%s\n" % os.path.join(os.path.abspath(directory), name))
    return ["build", "bad.txt", "-o", "w.run"]


def many_paths(tar):
    for i in range(3000):
        add(tar, f"{i:06}/" + "a/" * 2000 + "f")


def many_members(tar):
    header = bytearray(tarfile.TarInfo("f0000000").tobuf(tarfile.USTAR_FORMAT))
    header[148:156] = b" " * 8
    rest = sum(header) - sum(header[1:8])
    for i in range(800_000):  # a header by hand: tarfile takes a minute
        digits = b"%07d" % i
        header[1:8] = digits
        header[148:155] = b"%06o\0" % (rest + sum(digits))
        tar.fileobj.write(header)


def zeros(size):
    """The header of a large file; it has to be refused before its contents are read, which are not there."""
    def fill(tar):
        entry = tarfile.TarInfo("big")
        entry.size = size
        tar.fileobj.write(entry.tobuf(tarfile.GNU_FORMAT) + b"\0" * MIB)
    return fill


def zstd_frame_of_zeros(size):
    """A zstd frame of RLE blocks: three bytes and one for each 128 KiB."""
    out = bytearray(b"\x28\xb5\x2f\xfd" + bytes([0x00, 0x58]))  # window 2 MiB
    block = struct.pack("<I", 1 << 1 | 131072 << 3)[:3] + b"\0"
    last = struct.pack("<I", 1 | 1 << 1 | 131072 << 3)[:3] + b"\0"
    return bytes(out) + block * (-(-size // 131072) - 1) + last


def conda_zip(parts):
    def make(directory):
        path = os.path.join(directory, "bad-1.0-0.conda")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as out:
            for name, data in parts().items():
                out.writestr(name, data)
        return explicit(directory, "bad-1.0-0.conda")
    return make


def format_json():
    return {"metadata.json": '{"conda_pkg_format_version": 2}'}


def zstd_zeros():
    return {**format_json(), "info-bad-1.0-0.tar.zst": zstd_frame_of_zeros(1 << 40), "pkg-bad-1.0-0.tar.zst": b""}


def raw_frame(data):
    out = bytearray(b"\x28\xb5\x2f\xfd" + bytes([0x00, 0x58]))
    for at in range(0, max(len(data), 1), 131072):
        piece = data[at:at + 131072]
        out += struct.pack("<I", int(at + 131072 >= len(data)) | len(piece) << 3)[:3] + piece
    return bytes(out)


def tar_of(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, text in members.items():
            add(tar, name, text.encode())
    return out.getvalue()


def zstd_member():
    """A file of 60 GB of zeros behind a good header."""
    entry = tarfile.TarInfo("info/paths.json")
    entry.size = 60 << 30
    head = tarfile.TarInfo.tobuf(entry, tarfile.GNU_FORMAT)
    info = raw_frame(tar_of(info_members()))
    pkg = raw_frame(head) + zstd_frame_of_zeros(60 << 30)
    return {**format_json(), "info-bad-1.0-0.tar.zst": info, "pkg-bad-1.0-0.tar.zst": pkg}


def add_directory(tar, size):
    entry = tarfile.TarInfo("d")
    entry.type, entry.size = tarfile.DIRTYPE, size
    tar.fileobj.write(entry.tobuf(tarfile.GNU_FORMAT))


def long_name(tar):
    entry = tarfile.TarInfo("a")
    entry.pax_headers = {"path": "a" * (64 * MIB)}
    tar.addfile(entry)


def pax_many(tar):
    def record(i):
        text = f" k{i}=v\n"
        size = len(text) + len(str(len(text)))
        return f"{len(text) + len(str(size))}{text}"

    # tarfile itself joins records in quadratic time.
    records = "".join(map(record, range(1_000_000))).encode()
    header = tarfile.TarInfo("PaxHeaders/a")
    header.type, header.size = tarfile.XHDTYPE, len(records)
    tar.addfile(header, io.BytesIO(records))
    tar.addfile(tarfile.TarInfo("a"))


# ---- wheels, pages, channels ------------------------------------------------------------------------------------


def wheel(more):
    """bad-1.0-py3-none-any.whl; `more()` gives members that are added, or take the place of a good one."""
    def make(directory):
        info = "bad-1.0.dist-info/"
        members = {"METADATA": "Metadata-Version: 2.1\nName: bad\nVersion: 1.0\n",
                   "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n", "RECORD": ""}
        members.update(more())
        with zipfile.ZipFile(os.path.join(directory, "bad-1.0-py3-none-any.whl"), "w", zipfile.ZIP_DEFLATED) as out:
            for name, text in members.items():
                out.writestr(name if "/" in name else info + name, text)
        with open(os.path.join(directory, "r.txt"), "w") as out:
            out.write("./bad-1.0-py3-none-any.whl\n")
        return ["build", "r.txt", "--python-from", os.environ["BOMB_PYTHON"], "--no-index", "-o", "w.run"]
    return make


def page(text):
    def make(directory):
        with open(os.path.join(directory, "page.html"), "w") as out:
            out.write(text())
        with open(os.path.join(directory, "r.txt"), "w") as out:
            out.write("six\n--no-index\n--find-links ./page.html\n")
        return ["lock", "r.txt", "--python-from", os.environ["BOMB_PYTHON"], "-o", "l.json"]
    return make


def channel(text):
    def make(directory):
        for subdir in ("linux-64", "noarch"):
            os.mkdir(os.path.join(directory, subdir))
            with open(os.path.join(directory, subdir, "repodata.json"), "w") as out:
                out.write(text() if subdir == "noarch" else '{"packages": {}, "packages.conda": {}}')
        with open(os.path.join(directory, "environment.yml"), "w") as out:
            out.write(f"channels: [file://{os.path.abspath(directory)}]\ndependencies: [python]\n")
        return ["lock", "environment.yml", "-o", "l.json"]
    return make


BOMBS = {
    "toml-arrays-over": toml(lambda: "a = " + "[" * 5000),
    "toml-arrays-closed-over": toml(lambda: "a = " + "[" * 50000 + "]" * 50000),
    "toml-tables-over": toml(lambda: "a = " + "{a=" * 5000),
    "toml-dotted-over": toml(lambda: "a." * 50000 + "b = 1"),
    "toml-header-over": toml(lambda: "[" + "a." * 50000 + "b]"),
    "toml-header-quoted-over": toml(lambda: "[[" + '"a" . ' * 50000 + "b]]"),
    "toml-inline-dotted-over": toml(lambda: "x = {" + "a." * 50000 + "b = 1}"),
    "toml-values-over": toml(lambda: "a = [" + "1," * (20 * MIB) + "]"),
    "toml-keys-over": toml(lambda: "".join(f"k{i}=1\n" for i in range(3_000_000))),
    "toml-mixed-over": toml(lambda: "a = " + "[{b=" * 3000),
    "uv-lock-arrays-over": spec("uv.lock", lambda: "version = 1\n[[package]]\nname = " + "[" * 50000),
    "pylock-arrays-over": spec("pylock.toml", lambda: 'lock-version = "1.0"\npackages = ' + "[" * 50000),
    "yaml-flow-over": yaml(lambda: "dependencies: " + "[" * 100000),
    "yaml-flow-maps-over": yaml(lambda: "dependencies: " + "{a: " * 100000),
    "yaml-block-over": yaml(lambda: "dependencies:\n" + "- " * 100000 + "a"),
    "yaml-indent-over": yaml(lambda: "dependencies:\n" + "".join(" " * i + "a:\n" for i in range(1, 5000))),
    "yaml-question-over": yaml(lambda: "dependencies:\n" + "? " * 100000 + "a"),
    "yaml-laughs-over": yaml(lambda: laughs("[lol, lol, lol]", 10, 12)),
    "yaml-scalar-laughs-over": yaml(lambda: "x: &a '" + "y" * MIB + "'\ndependencies:\n" + "- *a\n" * 100000),
    "yaml-merges-over": yaml(lambda: merges(15, 9)),
    "yaml-own-alias": yaml("dependencies: &a [python, *a]"),
    "yaml-own-merge": yaml("dependencies: [python]\nvariables: &a\n  <<: *a\n  b: c"),
    "yaml-values-over": yaml(lambda: "dependencies: [" + "a," * (16 * MIB) + "]"),
    "yaml-colons": yaml(lambda: "dependencies: [" + "a:" * (4 * MIB) + "]"),
    "yaml-brackets-wide-over": yaml(lambda: "dependencies: [" + "[]," * (4 * MIB) + "]"),
    "yaml-anchors": yaml(lambda: "dependencies:\n" + "".join(f"- &a{i} x\n" for i in range(500000))),
    "yaml-keys-over": yaml(lambda: "dependencies: [python]\nvariables:\n" + "".join(f"  k{i}: 1\n" for i in range(1000000))),
    "yaml-documents": yaml(lambda: "--- a\n" * 1000000),
    "yaml-tags": yaml(lambda: "dependencies: " + "!a " * 200000 + "b"),
    "conda-lock-flow-over": spec("conda-lock.yml", lambda: "version: 1\npackage: " + "[" * 100000),
    "pixi-lock-flow-over": spec("pixi.lock", lambda: "version: 6\nenvironments: " + "[" * 100000),
    "jinja-doubling-over": construct("{% set a = 'xxxxxxxx' %}\n" + "{% set a = a ~ a %}\n" * 40),
    "jinja-plus-over": construct("{% set a = 'xxxxxxxx' %}\n" + "{% set a = a + a %}\n" * 40),
    "jinja-replace-over": construct("{% set a = 'xxxxxxxx' %}\n" + "{% set a = a.replace('x', 'xxxxxxxxxx') %}\n" * 12),
    "jinja-replace-filter-over": construct("{% set a = 'xxxxxxxx' %}\n" + "{% set a = a | replace('x', 'xxxxxxxxxx') %}\n" * 12),
    "jinja-replace-empty": construct("{% set a = 'xxxxxxxx' %}\n" + "{% set a = a.replace('', 'xxxxxxxxxx') %}\n" * 12),
    "jinja-shown-over": construct("{% set a = '" + "x" * MIB + "' %}\n" + "# {{ a }}\n" * 5000),
    "jinja-shown-ring-over": construct("{% set a = '" + "x" * 4000 + "' %}\n# {{ " + "a ~ " * 100000 + "a }}\n"),
    "jinja-ifs-over": construct(lambda: "{% if true %}\n" * 100000),
    "jinja-ifs-closed-over": construct(lambda: "{% if true %}\n" * 100000 + "{% endif %}\n" * 100000),
    "jinja-tags-over": construct(lambda: "{{ 1 }}" * 300000),
    "jinja-open-over": construct(lambda: "{# a #}" * 1000000),
    "jinja-parentheses": construct("# {{ " + "(" * 100000 + "1 }}"),
    "jinja-conditional": construct("# {{ " + "(" * 45 + "1" + ")" * 45 + " }}"),
    "jinja-conditional-filter": construct("# {{ 1 | default(" * 1 + "1 | default(" * 40 + "1" + ")" * 41 + " }}"),
    "jinja-nots": construct("# {{ " + "not " * 1000000 + "1 }}"),
    "jinja-trims": construct(lambda: " " * MIB + "{{- 1 -}}" * 20000),
    "selector-nested": construct("a: b # [" + "(" * 100000 + "linux]\n"),
    "selectors": construct(lambda: "# a # [linux]\n" * 10 + "b: c # [linux]\n" * 200000),
    "construct-environment-file": environment_file,
    "construct-environment-ring": environment_file_ring,
    "requirements-includes": includes,
    "requirements-many-includes-over": different_includes,
    "requirements-markers": spec("r.txt", lambda: "six ; " + "(" * 100000 + "python_version > '3'" + ")" * 100000),
    "requirements-marker-ors": spec("r.txt", lambda: "six ; " + " or ".join(["python_version > '3'"] * 200000)),
    "requirements-specifiers-over": spec("r.txt", lambda: "six" + ",".join([">1"] * 1000000)),
    "requirements-version-over": spec("r.txt", lambda: "six==" + "1." * 5000000 + "1"),
    "requirements-extras-over": spec("r.txt", lambda: "six[" + ",".join(f"e{i}" for i in range(1000000)) + "]"),
    "requirements-quotes": spec("r.txt", lambda: "--find-links " + "'a' " * 1000000),
    "requirements-variables": spec("r.txt", lambda: "six # " + "${A" * 5000000),
    "requirements-continued": spec("r.txt", lambda: "\\\n" * 5000000 + "six"),
    "requirements-hashes-over": spec("r.txt", lambda: "six==1.0 " + ("--hash=sha256:" + "a" * 64 + " ") * 300000),
    "requirements-line-over": spec("r.txt", lambda: "a" * (60 * MIB)),
    "requirements-nul-like": spec("r.txt", lambda: "\x0c" * (20 * MIB)),
    "requirements-config": spec("r.txt", lambda: "six " + "--global-option=x " * 1000000),
    "explicit-lines": spec("e.txt", lambda: "@EXPLICIT\n" + "https://a/b/linux-64/c-1-0.conda\n" * 1000000),
    "match-spec": yaml(lambda: "dependencies:\n- 'a " + ",".join([">1"] * 1000000) + "'"),
    "match-spec-nested": yaml(lambda: "dependencies:\n- 'a " + "(" * 100000 + ">1" + ")" * 100000 + "'"),
    "match-spec-ors": yaml(lambda: "dependencies:\n- 'a " + "|".join(["1.*"] * 1000000) + "'"),
    "match-spec-regex": yaml(lambda: "dependencies:\n- 'a ^" + "(a|a)*" * 2000 + "$'"),
    "match-spec-regex-long": yaml(lambda: "dependencies:\n- 'a ^.*" + "a" * 100000 + "$'"),
    "match-spec-stars": yaml(lambda: "dependencies:\n- 'a 1." + "*." * 100000 + "1'"),
    "match-spec-brackets": yaml(lambda: "dependencies:\n- 'a" + "[" * 100000 + "]'"),
    "lock-json-arrays-over": spec("t.lock", lambda: '{"tinderbox_lock": ' + "[" * (20 * MIB)),
    "lock-json-objects-over": spec("t.lock", lambda: '{"tinderbox_lock": ' + '{"a":' * (8 * MIB)),
    "lock-json-deep-over": spec("t.lock", lambda: '{"tinderbox_lock": 7, "x": ' + "[" * 200000 + "]" * 200000 + "}"),
    "lock-json-values-over": spec("t.lock", lambda: '{"tinderbox_lock": 7, "x": [' + "{}," * (16 * MIB) + "{}]}"),
    "conda-path-deep-over": conda_tar(lambda tar: add(tar, "a/" * 100000)),
    "conda-path-deep-file-over": conda_tar(lambda tar: add(tar, "a/" * 20000 + "f")),
    "conda-path-many-over": conda_tar(many_paths, mode="w:gz"),
    "conda-members-over": conda_tar(many_members, mode="w:gz"),
    "conda-zeros-over": conda_tar(zeros(20 << 30)),
    "conda-pax-name": conda_tar(long_name),
    "conda-pax-records": conda_tar(pax_many),
    "conda-zstd-zeros": conda_zip(zstd_zeros),
    "conda-zstd-member-over": conda_zip(zstd_member),
    "machine-values-over": machine(lambda: '"x": [' + "{}," * (16 * MIB) + "{}]"),
    "machine-deep-over": machine(lambda: '"gpus": ' + "[" * 200000 + "]" * 200000),
    "machine-gpus": machine(lambda: '"gpus": [' + "{}," * 1900000 + "{}]"),
    "machine-counts": machine(lambda: '"gpus": [' + '{"count":1024},' * 200000 + "{}]"),
    "machine-name": machine(lambda: '"gpus": [{"name": "' + "x" * (50 * MIB) + '"}]'),
    "conda-index-deep-over": conda_tar(lambda tar: None, {**info_members(), "info/index.json":
        '{"name":"bad","version":"1.0","build":"0","build_number":0,"depends":[],"x":' + "[" * 300000 + "]" * 300000 + "}"}),
    "conda-paths-deep-over": conda_tar(lambda tar: None, {**info_members(), "info/paths.json": "[" * (30 * MIB)}),
    "conda-paths-wide-over": conda_tar(lambda tar: None, {**info_members(), "info/paths.json": "[" + "{}," * (20 * MIB) + "{}]"}, mode="w:gz"),
    "conda-about-deep": conda_tar(lambda tar: None, {**info_members(), "info/about.json": "[" * (30 * MIB)}),
    "conda-tests-yaml": conda_tar(lambda tar: None, {**info_members(), "info/tests/tests.yaml": "[" * 1000000}),
    "conda-files-over": conda_tar(lambda tar: None, {"info/index.json": info_members()["info/index.json"],
        "info/files": "".join(f"{i:x}\n" for i in range(1_000_000))}),
    "conda-directory-size": conda_tar(lambda tar: add_directory(tar, 60 << 30)),
    "wheel-record-empty-lines": wheel(lambda: {"RECORD": "\n" * (60 * MIB)}),
    "wheel-record-rows-over": wheel(lambda: {"RECORD": "".join(f"f{i},,\n" for i in range(3_000_000))}),
    "wheel-record-commas": wheel(lambda: {"RECORD": "," * (60 * MIB)}),
    "wheel-record-quotes": wheel(lambda: {"RECORD": '"' * (30 * MIB)}),
    "wheel-metadata": wheel(lambda: {"METADATA": "Name: bad\nVersion: 1.0\n" + "Requires-Dist: a\n" * 3_000_000}),
    "wheel-metadata-lines": wheel(lambda: {"METADATA": "Name: bad\nVersion: 1.0\n" + " a\n" * 4_000_000}),
    "wheel-metadata-marker": wheel(lambda: {"METADATA": "Name: bad\nVersion: 1.0\nRequires-Dist: a; " + "(" * 200_000}),
    "wheel-entry-points-over": wheel(lambda: {"entry_points.txt": "[console_scripts]\n" + "".join(
        f"a{i}=b:c\n" for i in range(700_000))}),
    "wheel-zeros": wheel(lambda: {"bad/zeros.py": b"\0" * (200 * MIB)}),
    "wheel-deep": wheel(lambda: {"a/" * 30000 + "b.py": ""}),
    "wheel-deep-many": wheel(lambda: {f"{i}/" + "a/" * 250 + "b.py": "" for i in range(3000)}),
    "page-tags-over": page(lambda: "<a>" * (16 * MIB)),
    "page-attributes-over": page(lambda: "<a " + "b " * (20 * MIB) + ">"),
    "page-entities": page(lambda: "<a href='" + "&" * (20 * MIB) + ";'>"),
    "page-open": page(lambda: "<!--" * (10 * MIB)),
    "channel-deep": channel(lambda: '{"packages": {"a-1-0.tar.bz2": ' + "[" * 1_000_000),
    "channel-record": channel(lambda: '{"packages": {"a-1-0.tar.bz2": {"depends": [' + '"a",' * (8 * MIB)),
    "channel-string": channel(lambda: '{"packages": {"a-1-0.tar.bz2": {"name": "' + "a" * (60 * MIB)),
    "channel-info": channel(lambda: '{"info": {"a": ' + '{"a": ' * 500_000),
    "channel-records-fine": channel(lambda: '{"packages": {' + ",".join(
        f'"a{i}-1-0.tar.bz2": {{"name": "a{i}", "version": "1", "build": "0", "build_number": 0, "depends": []}}'
        for i in range(200_000)) + "}}"),
    "requirements-fine": spec("r.txt", lambda: "".join(f"package-{i}=={i % 9}.1 ; python_version >= '3.8'\n" for i in range(100_000))),
    "requirements-million-over": spec("r.txt", lambda: "".join(f"p{i}=={i % 9}.1\n" for i in range(1_000_001))),
    "explicit-fine": spec("e.txt", lambda: "@EXPLICIT\n" + "".join(
        f"https://a/b/linux-64/c{i}-1-0.conda\n" for i in range(100_000))),
    "conda-licenses": conda_tar(lambda tar: [add(tar, f"info/licenses/l{i}", b"x" * 4 * MIB) for i in range(30)]),
}

if __name__ == "__main__":
    if len(sys.argv) < 2:
        print("\n".join(BOMBS))
    else:
        os.makedirs(sys.argv[2], exist_ok=True)
        print("\n".join(BOMBS[sys.argv[1]](sys.argv[2])))
