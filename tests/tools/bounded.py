#!/usr/bin/env python3
"""Runs a command and says what it used: bounded.py CPU_SECONDS OUT COMMAND…

Prints "EXIT PEAK_MIB CPU_SECONDS". EXIT is negative for a signal; -24 and -9 mean that the limit of processor time
ended it, or the wall clock at ten times of it. OUT gets what the command writes. Processor time, because a test
machine has other work.
"""
import os
import resource
import signal
import subprocess
import sys


def limit(seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))  # a bomb must not take the machine down
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    seconds = int(sys.argv[1])
    with open(sys.argv[2], "wb") as out:
        child = subprocess.Popen(sys.argv[3:], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                 start_new_session=True, preexec_fn=lambda: limit(seconds))
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(child.pid, signal.SIGKILL))
        signal.alarm(10 * seconds)
        _, status, usage = os.wait4(child.pid, 0)
    print("%d %.0f %.1f" % (os.waitstatus_to_exitcode(status), usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime))


main()
