#!/usr/bin/env python3
"""Installs a NAME.run while one system call after another fails, or ends the program.

    inject.py NAME.run [--every] [--jobs N] [--calls read,write]

Each kind of system call that an installation makes fails with EIO, ENOSPC, EMFILE, EINTR and ENOMEM, and is met by
SIGKILL: at its first, its last and three calls between, with --every at each call (strace -f -e inject). Then the same
installation runs again without a fault, unless the first left the place as empty as it was. Programs that the installer
starts (the environment's Python, packages' scripts) are not meddled with. Afterwards:

- the exit code is one of docs/using/exit-codes.md and not that of a bug; it has exactly one sentence behind "error:"
- the prefix does not exist, or is whole
- after an error nothing is left beside the prefix and in TMPDIR
- the second run ends with 0, leaves a whole prefix and nothing beside it

One line for each thing that is wrong, then a table; exit 1 when anything was wrong.
"""
import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile

faults = ["EIO", "ENOSPC", "EMFILE", "EINTR", "ENOMEM", "SIGKILL"]
documented = {0, 2, 3, 4, 5, 6, 7, 8, 9, 10}
seconds = 300 # many at once on a busy machine
header_size = 16384
own_calls = ["strace", "-f", "-qq", "-b", "execve"]
# Not failed: they have no errors; a failed close() closes all the same, an injected one does not; or they set the process
# up, before or below anything of ours; or the C library itself ends the process, because no kernel lets them fail so.
left_out = {"execve", "close", "exit", "exit_group", "rt_sigreturn", "restart_syscall", "futex", "brk", "arch_prctl",
            "set_tid_address", "set_robust_list", "rseq", "clock_nanosleep", "getpid", "gettid", "getuid", "geteuid",
            "getgid", "getegid", "getppid", "umask", "rt_sigprocmask", "rt_sigaction", "vfork"}


class Place:
    """A directory in which one installation after another runs."""

    def __init__(self, run, parent):
        self.directory = tempfile.mkdtemp(dir=parent)
        self.prefix = self.directory + "/in/env"
        self.run, self.stub = os.path.abspath(run), self.directory + "/stub"
        with open(run, "rb") as file, open(self.stub, "wb") as stub:
            file.seek(header_size)
            stub.write(file.read(stub_size(run)))
        os.chmod(self.stub, 0o755)
        self.clean()
        status, err, _ = self.install()
        if status != 0:
            sys.exit(f"the installation itself ends with {status}: {err}")
        self.whole = self.tree()

    def clean(self):
        for name in ("in", "tmp", "home"):
            shutil.rmtree(f"{self.directory}/{name}", ignore_errors=True)
            os.mkdir(f"{self.directory}/{name}")

    def install(self, strace=()):
        environment = {"PATH": "/usr/bin:/bin", "TMPDIR": self.directory + "/tmp", "HOME": self.directory + "/home"}
        command = [*strace, self.stub, "--tinderbox-run", self.run, "--", "-b", "-p", self.prefix]
        child = subprocess.Popen(command, env=environment, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, start_new_session=True)
        try:
            out, err = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            return "hangs", "", []
        err = err.decode(errors="replace")
        return child.returncode, err, [line for line in err.splitlines() if line.startswith("error: ")]

    def tree(self):
        out = {}
        for directory, directories, files in os.walk(self.prefix):
            directories[:] = [name for name in directories if name not in (".tinderbox", "__pycache__")]
            for name in files + [name for name in directories if os.path.islink(os.path.join(directory, name))]:
                path = os.path.join(directory, name)
                out[os.path.relpath(path, self.prefix)] = (
                    os.readlink(path) if os.path.islink(path) else hashlib.sha256(open(path, "rb").read()).hexdigest())
        return out

    def beside(self):
        return [name for name in os.listdir(self.directory + "/in") if name != "env"]

    def is_empty(self):
        return not any(os.listdir(f"{self.directory}/{name}") for name in ("in", "tmp", "home"))

    def judge(self, call, fault, at):
        """What is wrong after the fault, and how the first run ended."""
        self.clean()
        how = f"signal={fault}" if fault.startswith("SIG") else f"error={fault}"
        strace = [*own_calls, "-o", self.directory + "/log", "-e", f"trace={call}", "-e", f"inject={call}:{how}:when={at}"]
        status, err, sentences = self.install(strace)
        log = open(self.directory + "/log", errors="replace").read()
        if "(INJECTED)" not in log and "killed by SIGKILL" not in log:
            return "no such call", []
        wrong = []
        killed = fault == "SIGKILL" and status == -9
        if not killed and status not in documented:
            wrong.append(f"ended with {status}: {err[-300:]}")
        if not killed and status not in (0, 6, 10) and len(sentences) != 1:  # after 6 and 10 the report says why
            wrong.append(f"{len(sentences)} sentences: {err[-300:]}")
        if os.path.lexists(self.prefix) and self.tree() != self.whole:
            wrong.append("half an environment is at the prefix")
        if status == 0 and not os.path.lexists(self.prefix):
            wrong.append("exit 0 without an environment")
        if not killed and self.beside():
            wrong.append(f"{self.beside()} is left beside the prefix")
        if not killed and os.listdir(self.directory + "/tmp"):
            wrong.append("something is left in TMPDIR")
        if self.is_empty():
            return status, wrong
        again, err, _ = self.install()
        if again != 0:
            wrong.append(f"the second run ended with {again}: {err[-300:]}")
        elif self.tree() != self.whole or self.beside():
            wrong.append(f"the second run left {self.beside()}, or not a whole prefix")
        return status, wrong


def stub_size(run):
    info = subprocess.run(["sh", run, "--info", "--json"], capture_output=True, check=True)
    return next(s["size"] for s in json.loads(info.stdout)["sections"] if s["name"] == "stub")


def calls_of(place):
    """The number of calls of each kind, of the process or thread that makes most of them."""
    place.clean()
    log = place.directory + "/log"
    place.install([*own_calls, "-o", log])
    counts = collections.Counter()
    for line in open(log, errors="replace"):
        if match := re.match(r"(\d+) +(\w+)\(", line):
            counts[match[1], match[2]] += 1
    most = collections.Counter()
    for (_, name), count in counts.items():
        most[name] = max(most[name], count)
    return {name: count for name, count in most.items() if name not in left_out}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--calls", type=lambda text: text.split(","))
    parser.add_argument("--faults", type=lambda text: text.split(","), default=faults)
    options = parser.parse_args()
    ends, wrong = collections.defaultdict(collections.Counter), collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as parent, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        places = queue.Queue()
        for _ in range(options.jobs):
            places.put(Place(options.run, parent))
        calls = calls_of(places.queue[0])
        tries = []
        for call, count in sorted(calls.items()):
            if options.calls and call not in options.calls:
                continue
            some = {1, 2, count // 2 + 1, count - 1, count}
            before_main = call == "mprotect"  # the C library protects its own pages, and ends the process otherwise
            chosen = [at for at in range(1 + before_main, count + 1) if options.every or at in some]
            tries += [(call, fault, at) for fault in options.faults for at in chosen]

        def one(what):
            place = places.get()
            try:
                return what, place.judge(*what)
            finally:
                places.put(place)

        for (call, fault, at), (status, problems) in pool.map(one, tries):
            ends[fault][status] += 1
            for problem in problems:
                wrong[fault].append(f"{call} {at} {fault}: {problem}")
                print(wrong[fault][-1], flush=True)
    print(f"{len({call for call, _, _ in tries})} kinds of system calls: {' '.join(sorted({call for call, _, _ in tries}))}")
    for fault in options.faults:
        text = ", ".join(f"{count} with {status}" for status, count in sorted(ends[fault].items(), key=str))
        print(f"{fault}: {sum(ends[fault].values())} tried, {len(wrong[fault])} wrong (ended {text})")
    sys.exit(1 if any(wrong.values()) else 0)


main()
