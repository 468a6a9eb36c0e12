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
long_ago = 1000000000


class Copy:
    """A copy in a directory of its own, which a run of it may not change."""

    def __init__(self, content, parent):
        self.content = content
        self.directory = tempfile.mkdtemp(dir=parent)
        self.file = os.path.join(self.directory, "cwd", "x.run")
        self.places = [os.path.join(self.directory, name) for name in ("cwd", "tmp", "home")]
        for place in self.places:
            os.mkdir(place)
        with open(self.file, "wb") as file:
            file.write(content)

    def damage(self, kind, at):
        """Applies one fault; undo() takes it back. Who writes into the file afterwards changes its time."""
        with open(self.file, "wb" if kind == "cuts" else "r+b") as file:
            if kind == "cuts":
                file.write(self.content[:at])
            else:
                file.seek(at // 8)
                file.write(bytes([self.content[at // 8] ^ 1 << at % 8]))
        os.utime(self.file, (long_ago, long_ago))
        self.size, self.number = os.stat(self.file).st_size, os.stat(self.file).st_ino

    def undo(self, kind, at):
        if kind == "flips":
            with open(self.file, "r+b") as file:
                file.seek(at // 8)
                file.write(self.content[at // 8:at // 8 + 1])

    def is_untouched(self):
        now = os.stat(self.file)
        return (now.st_mtime, now.st_size, now.st_ino) == (long_ago, self.size, self.number)

    def run(self, shell):
        reader, writer = os.pipe()
        environment = {"PATH": os.environ["PATH"], "TMPDIR": self.directory + "/tmp", "HOME": self.directory + "/home"}
        child = subprocess.Popen(
            shell + ["x.run", "--version"], cwd=self.directory + "/cwd", env=environment, stdin=reader,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
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

    def judge(self, shell, kind, expected):
        """How it ended, and what is wrong with that; None: nothing is."""
        status, out, err = self.run(shell)
        names = [os.path.join(os.path.basename(place), name) for place in self.places for name in os.listdir(place)]
        if names != ["cwd/x.run"] or len(os.listdir(self.directory)) != 3 or not self.is_untouched():
            return status, f"changed files: {names}"
        if status == 0:
            return status, None if out == expected else f"exit 0, and printed {out[:80]!r}"
        if status == "hangs" or status < 0:
            return status, f"ended with {status}"
        return status, "ended without a word" if kind == "cuts" and not err.strip() else None


def run_whole(source, parent, shell):
    return Copy(read(source), parent).run(shell)


def try_some(source, parent, kind, places, shells, expected):
    content, statuses, wrong, copy = read(source), collections.Counter(), [], None
    for at in places:
        for shell in shells:
            if not copy:
                copy = Copy(content, parent)
            copy.damage(kind, at)
            status, problem = copy.judge(shell, kind, expected)
            statuses[status] += 1
            copy.undo(kind, at)
            if problem:
                wrong.append(f"{' '.join(shell)}: {kind} at {at}: {problem}")
                shutil.rmtree(copy.directory)
                copy = None
    if copy:
        shutil.rmtree(copy.directory)
    return statuses, wrong


def read(path):
    with open(path, "rb") as file:
        return file.read()


def become_nobody():
    """What goes wrong must not be able to harm this machine."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)


def main(source, kind, first, last, step, *names):
    shells = [name.split() for name in names]
    places = range(int(first), int(last), int(step))
    if kind == "cuts":
        places = [at for at in places if at > len(shebang)]
    statuses, wrong = collections.Counter(), []
    jobs = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as parent:
        os.chmod(parent, 0o1777)
        source = shutil.copyfile(source, os.path.join(parent, "whole"))
        os.chmod(source, 0o444)
        with concurrent.futures.ProcessPoolExecutor(jobs, initializer=become_nobody) as pool:
            status, expected, err = pool.submit(run_whole, source, parent, shells[0]).result()
            if status != 0:
                sys.exit(f"the whole file ends with {status}: {err.decode(errors='replace')}")
            parts = [places[i:i + 256] for i in range(0, len(places), 256)]
            tries = [pool.submit(try_some, source, parent, kind, part, shells, expected) for part in parts]
            for done in concurrent.futures.as_completed(tries):
                some, bad = done.result()
                statuses += some
                wrong += bad
    for line in wrong[:20]:
        print(line)
    ends = ", ".join(f"{count} with {status}" for status, count in sorted(statuses.items(), key=str))
    print(f"{kind}: {sum(statuses.values())} tried under {', '.join(names)}: {len(wrong)} wrong (ended {ends})")
    sys.exit(1 if wrong else 0)


main(*sys.argv[1:])
