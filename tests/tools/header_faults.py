#!/usr/bin/env python3
"""Damaged copies of a NAME.run under real shells: cut at each length, and with each bit flipped.

    header_faults.py NAME.run cuts|flips FROM TO STEP SHELL...

Tries `SHELL NAME.run --version` on copies that are cut to FROM, FROM + STEP, ... < TO bytes, or in which one bit of
those (numbered from the file's start, 8 a byte) is flipped. Nothing may be written to standard input, and nothing is.
A copy either does what was asked, or ends with an exit status other than 0; it never changes or creates a file, and
never hangs. A cut one says why (a wrong bit may be in the very words). Ends with one line that counts, and with 1 when
anything was wrong.

A script that is cut within "#!/bin/sh\\n" is empty or a comment: no shell can notice that.
"""
import collections
import concurrent.futures
import os
import shutil
import signal
import subprocess
import sys
import tempfile

shebang = b"#!/bin/sh\n"
seconds = 60


class Copy:
    """A copy in a directory of its own, which a run of it may not change."""

    def __init__(self, source, parent):
        self.directory = tempfile.mkdtemp(dir=parent)
        self.file = os.path.join(self.directory, "cwd", "x.run")
        for name in ("cwd", "tmp", "home"):
            os.mkdir(os.path.join(self.directory, name))
        shutil.copyfile(source, self.file)
        self.content = open(source, "rb").read()
        if os.geteuid() == 0:  # what goes wrong must not be able to harm this machine
            for directory, _, files in os.walk(self.directory):
                for path in [directory] + [os.path.join(directory, name) for name in files]:
                    os.chown(path, 65534, 65534)

    def run(self, shell):
        reader, writer = os.pipe()
        environment = {"PATH": os.environ["PATH"], "TMPDIR": self.directory + "/tmp", "HOME": self.directory + "/home"}
        child = subprocess.Popen(
            shell + ["x.run", "--version"], cwd=self.directory + "/cwd", env=environment, stdin=reader,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            **({"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}))
        os.close(reader)
        try:
            out, err = child.communicate(timeout=seconds)
            status = child.returncode
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            out, err = child.communicate()
            status = "hangs"
        os.close(writer)
        return status, out, err

    def judge(self, shell, expected, damaged):
        status, out, err = self.run(shell)
        left = sorted(os.path.join(os.path.relpath(directory, self.directory), name)
                      for directory, _, names in os.walk(self.directory) for name in names)
        if left != ["cwd/x.run"] or open(self.file, "rb").read() != damaged:
            return status, f"changed files: {left}"
        if status == 0:
            return status, None if out == expected else f"exit 0, and printed {out[:80]!r}"
        if status == "hangs" or status < 0:
            return status, f"ended with {status}"
        return status, None if err.strip() or len(damaged) == len(self.content) else "ended without a word"


def damage(copy, kind, at):
    if kind == "cuts":
        damaged = copy.content[:at]
        os.truncate(copy.file, at)
    else:
        damaged = bytearray(copy.content)
        damaged[at // 8] ^= 1 << at % 8
        with open(copy.file, "r+b") as file:
            file.seek(at // 8)
            file.write(damaged[at // 8:at // 8 + 1])
    return bytes(damaged)


def try_some(source, parent, kind, places, shells, expected):
    copy = Copy(source, parent)
    statuses, wrong = collections.Counter(), []
    for at in places:
        damaged = damage(copy, kind, at)
        for shell in shells:
            status, problem = copy.judge(shell, expected, damaged)
            statuses[status] += 1
            if problem:
                wrong.append(f"{' '.join(shell)}: {kind} at {at}: {problem}")
                shutil.rmtree(copy.directory)
                copy = Copy(source, parent)
                damage(copy, kind, at)
        if kind == "cuts" or problem:
            with open(copy.file, "wb") as file:
                file.write(copy.content)
        else:
            with open(copy.file, "r+b") as file:
                file.seek(at // 8)
                file.write(copy.content[at // 8:at // 8 + 1])
    return statuses, wrong


def main(source, kind, first, last, step, *names):
    shells = [name.split() for name in names]
    places = range(int(first), int(last), int(step))
    if kind == "cuts":
        places = [at for at in places if at > len(shebang)]
    statuses, wrong = collections.Counter(), []
    jobs = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as parent, concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        os.chmod(parent, 0o755)
        status, expected, err = Copy(source, parent).run(shells[0])
        if status != 0:
            sys.exit(f"the whole file ends with {status}: {err.decode(errors='replace')}")
        parts = [places[i::jobs] for i in range(jobs)]
        for some, bad in pool.map(lambda part: try_some(source, parent, kind, part, shells, expected), parts):
            statuses += some
            wrong += bad
    for line in wrong[:20]:
        print(line)
    ends = ", ".join(f"{count} with {status}" for status, count in sorted(statuses.items(), key=str))
    print(f"{kind}: {sum(statuses.values())} tried under {', '.join(names)}: {len(wrong)} wrong (ended {ends})")
    sys.exit(1 if wrong else 0)


main(*sys.argv[1:])
