# Goes before every script that the installer runs with the environment's Python. Answers are lines of JSON on a
# descriptor of their own, because whatever is imported may print. Runs on Python 2.7, and on 3.6 and later. Scripts are
# ASCII: Python 3.6 in the C locale takes no other text behind -c.
import json
import os
import sys


def say(_descriptor=int(os.environ.pop("TINDERBOX_ANSWERS")), _write=os.write, _encode=json.dumps, _pid=os.getpid,
        _asked=os.getpid(), **answer):
    """Sends one answer. The defaults keep the functions that an imported module may replace."""
    if _pid() != _asked:
        return  # a process that an imported module has forked
    for key, value in answer.items():
        if isinstance(value, type(u"")):  # half a surrogate pair is no JSON
            answer[key] = value.encode("utf-8", "replace").decode("utf-8")
    line = (_encode(answer) + "\n").encode("ascii")
    while line:
        line = line[_write(_descriptor, line):]


def end(status=0, _exit=sys.exit):
    """The last answer. Without it the process was ended by something that it imported, whatever its exit status."""
    say(end=True)
    _exit(status)
