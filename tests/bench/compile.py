#!/usr/bin/env python3
"""What compiling costs: the headers, and what is built again after a change.

    tests/bench/compile.py BUILD_DIR [RUNS]

BUILD_DIR is a built tree (build/dev). Prints two tables: the ten headers of others and of the standard library that
cost most (seconds to compile a file with nothing but the header, smallest of RUNS, times the sources that see it,
directly or through our own headers), and the seconds from touching a file to the answer of one test program. Use an
idle machine; the compiler cache is switched off for what is measured.
"""
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

root = pathlib.Path(__file__).resolve().parent.parent.parent
build = pathlib.Path(sys.argv[1]).resolve()
runs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
include = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.M)


def sources():
    return [p for layer in ("common", "generator", "runtime") for p in sorted((root / layer).rglob("*.cpp"))]


def seen_by(path, cache={}):
    """The headers in angle brackets that a file of ours sees."""
    if path not in cache:
        cache[path] = set()
        for ours, others in include.findall(path.read_text(encoding="utf-8")):
            inner = root / ours
            if others:
                cache[path].add(others)
            elif ours and inner.is_file():
                cache[path] |= seen_by(inner)
    return cache[path]


def flags():
    """Those of all modules together: every library's include directory."""
    out = []
    for command in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(command["command"])
        for i, word in enumerate(words):
            if word == "-isystem" and words[i + 1] not in out:
                out += ["-isystem", words[i + 1]]
            elif word.startswith(("-I", "-D", "-O", "-g", "-f", "-std")) and word not in out:
                out.append(word)
    return out


def seconds_of(header, options, directory):
    file = pathlib.Path(directory) / "one.cpp"
    file.write_text(f"#include <{header}>\n" if header else "\n")
    best = None
    for _ in range(runs):
        before = os.times().children_user + os.times().children_system
        done = subprocess.run(["c++", *options, "-c", file, "-o", os.path.join(directory, "one.o")], stderr=subprocess.DEVNULL)
        spent = os.times().children_user + os.times().children_system - before
        if done.returncode != 0:
            return None
        best = spent if best is None else min(best, spent)
    return best


def headers():
    count = {}
    for source in sources():
        for header in seen_by(source):
            count[header] = count.get(header, 0) + 1
    options, rows = flags(), []
    with tempfile.TemporaryDirectory() as directory:
        nothing = seconds_of("", options, directory)
        for header, files in count.items():
            spent = seconds_of(header, options, directory)
            if spent is not None:
                rows.append((max(0.0, spent - nothing) * files, spent - nothing, files, header))
    rows.sort(reverse=True)
    print("| header | seconds alone | sources that see it | product, seconds |\n|---|---|---|---|")
    for product, spent, files, header in rows[:10]:
        print(f"| {header} | {spent:.2f} | {files} | {product:.0f} |")


def rebuilds():
    environment = dict(os.environ, CCACHE_DISABLE="1")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True, "env": environment}
    subprocess.run(["cmake", "--build", build], **quiet)
    print("| touched | built and answered | seconds |\n|---|---|---|")
    for touched, program in [("generator/pip/select.cpp", "unit_pip"), ("runtime/install/repair.cpp", "unit_install"),
                             ("common/format/table.cpp", "unit_format"), ("common/base/result.hpp", None)]:
        path = root / touched
        if not path.exists():
            print(f"| {touched} | is not there | |")
            continue
        path.touch()
        begin = time.monotonic()
        subprocess.run(["cmake", "--build", build] + (["--target", program] if program else []), **quiet)
        if program:
            subprocess.run([build / program], cwd=build, **quiet)
        print(f"| `{touched}` | {program or 'everything'} | {time.monotonic() - begin:.0f} |")
        subprocess.run(["cmake", "--build", build], **quiet)


headers()
print()
rebuilds()
