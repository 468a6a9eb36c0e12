#!/usr/bin/env python3
"""Runs a command whose standard error is a terminal, and checks its progress lines against the stages that its JSON names.

    progress_lines.py COLUMNS command...      (the command prints JSON with `stages`, somewhere in it)

Fails when a stage of more than a second showed no line with a total, when a line is wider than the terminal, and when
one has colour. Prints the labels that were seen.
"""
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading

LABELS = {
    "capture": ["capturing"], "fetch": ["reading", "downloading"], "pack": ["packing", "reading"],
    "compile": ["compiling"], "write": ["writing"], "extract": ["extracting", "syncing"], "commit": ["syncing"],
    "bytecode": ["bytecode"], "scripts": ["scripts"], "compare": ["comparing"], "remove": ["removing"],
    "carried over": ["comparing", "removing", "syncing"], "restore": ["syncing", "extracting"],
}
# A loaded machine may need a while until the thread that draws gets its turn.
LONG = 1.0


def stages(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "stages" and isinstance(inner, list):
                yield from ((one["name"], one["seconds"]) for one in inner if "seconds" in one)
            else:
                yield from stages(inner)


def run(columns, command):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs,
                             env=dict(os.environ, TERM="xterm"))
    os.close(theirs)
    drawn = bytearray()

    def read():
        try:
            while piece := os.read(ours, 65536):
                drawn.extend(piece)
        except OSError:  # the last writer has ended
            pass

    reader = threading.Thread(target=read)
    reader.start()
    output = child.stdout.read()
    status = child.wait()
    reader.join()
    return status, output, drawn.decode("utf-8", "replace")


def main():
    columns, command = int(sys.argv[1]), sys.argv[2:]
    status, output, drawn = run(columns, command)
    redrawn = [line.split("\r")[0] for line in drawn.split("\r\x1b[K")[1:]]
    lines = [line for line in redrawn if line and "\n" not in line]
    if status != 0:
        sys.exit(f"exit status {status}:\n{drawn}")
    if re.search(r"\x1b\[[0-9;]*m", drawn):
        sys.exit(f"NO_COLOR is set, and there is colour: {drawn!r}")
    for line in lines:
        if len(line) >= columns:
            sys.exit(f"wider than {columns} columns: {line!r}")
    seen = {}
    for line in lines:
        label = re.match(r" *(\S+)", line).group(1)
        seen[label] = seen.get(label, False) or bool(re.search(r" \d+ %", line))
    for name, seconds in stages(json.loads(output)):
        if seconds > LONG and name in LABELS and not any(seen.get(label) for label in LABELS[name]):
            sys.exit(f"'{name}' took {seconds:.1f} s without a line that has a total; seen: {seen}\n{drawn}")
    print(" ".join(sorted(seen)))


main()
