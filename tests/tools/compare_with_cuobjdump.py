#!/usr/bin/env python3
"""Compares the packer's reading of fatbins with cuobjdump's, library by library.

    compare_with_cuobjdump.py --list-fatbins BUILD/list_fatbins --cuobjdump CUOBJDUMP [--cuobjdump OLDER] FILE…

FILE is a wheel or a library. A cuobjdump of CUDA 13 refuses libraries with code for sm_35 or sm_37 and some others ("Invalid
ELF"), so an older one may be named as well. A library that none of them reads is reported and not compared.

cuobjdump reads .nv_fatbin, or __nv_relfatbin where the first is absent, and so do we. It numbers files and not containers, so
only the number of cubins and PTX texts for each architecture must be equal. It lists family-specific cubins ("f" flag) under
the plain name; our names keep the f, which is removed here. Exit 1 on any difference, 77 when no file has device code.
"""
import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile


def theirs(cuobjdump, library):
    """A Counter of "sm_80" and "ptx sm_80"; the message of cuobjdump when it cannot read the library."""
    counts = collections.Counter()
    for option, suffix in (("--list-elf", "cubin"), ("--list-ptx", "ptx")):
        run = subprocess.run([cuobjdump, option, library], capture_output=True, text=True)
        if run.returncode != 0 and "does not contain device code" not in run.stderr:
            return run.stderr.strip()
        for line in run.stdout.splitlines():
            found = re.search(r"\.(sm_\w+)\." + suffix + r"$", line)
            if found:
                counts[("ptx " if suffix == "ptx" else "") + found[1]] += 1
    return counts


def ours(list_fatbins, library):
    line = json.loads(subprocess.run([list_fatbins, library], capture_output=True, text=True, check=True).stdout)
    if line.get("problem"):
        print(f"{library}: {line['problem']}")
    counts = collections.Counter()
    for name, containers in line["code"].items():
        kind, architecture = name.split(" ")[0].split("_")
        if kind == "sm":
            counts["sm_" + architecture.rstrip("f")] += containers
        elif kind == "compute":
            counts["ptx sm_" + architecture] += containers
    return counts, line


def libraries(paths, scratch):
    for path in map(pathlib.Path, paths):
        if path.suffix != ".whl":
            yield path.name, path
            continue
        with zipfile.ZipFile(path) as wheel:
            for member in wheel.infolist():
                if not re.search(r"\.so(\.[0-9.]+)?$", member.filename) or member.file_size < 4096:
                    continue
                extracted = pathlib.Path(wheel.extract(member, scratch))
                yield f"{path.name}:{member.filename}", extracted
                extracted.unlink()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--list-fatbins", required=True)
    parser.add_argument("--cuobjdump", action="append", required=True)
    parser.add_argument("paths", nargs="+")
    arguments = parser.parse_args()
    compared = different = 0
    unread = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, library in libraries(arguments.paths, scratch):
            with open(library, "rb") as file:
                if file.read(4) != b"\x7fELF":
                    continue
            mine, line = ours(arguments.list_fatbins, library)
            for program in arguments.cuobjdump:
                other = theirs(program, library)
                if not isinstance(other, str):
                    break
            else:
                unread.append(f"{name}: {other}")
                continue
            if not mine and not other:
                continue
            compared += 1
            if mine == other:
                print(f"same  {name}: {line['containers']} containers, {sum(mine.values())} images, "
                      f"{len(mine)} kinds")
            else:
                different += 1
                print(f"DIFF  {name}\n  only ours: {dict(mine - other)}\n  only cuobjdump: {dict(other - mine)}")
    for name in unread:
        print(f"not compared: {name}")
    print(f"{compared} libraries with device code compared, {different} differ")
    return 1 if different else 0 if compared else 77


if __name__ == "__main__":
    sys.exit(main())
