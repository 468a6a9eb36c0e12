# Put before each check of this directory. Python 3.6 and later.
import json
import sys
import time

expect_gpu = "--expect-gpu" in sys.argv


def say(**answer):
    for key in ("said", "words"):  # other people's messages may have lines
        if key in answer:
            answer[key] = " ".join(answer[key].split())
    print("TINDERBOX-ANSWER " + json.dumps(answer), flush=True)


def step(name, check, gpu=False):
    """Runs one step; check() returns words for the report, or None. The first that fails ends the check: after an
    error of CUDA the process's context is broken."""
    say(begin=name, gpu=gpu)
    began = time.monotonic()
    try:
        words = check()
    except BaseException as e:
        error = "%s: %s" % (type(e).__name__, e)
        say(step=name, ok=False, gpu=gpu, words=error[:2000], seconds=round(time.monotonic() - began, 3))
        sys.exit(1)
    say(step=name, ok=True, gpu=gpu, words=str(words or ""), seconds=round(time.monotonic() - began, 3))


def must_be(got, wanted, what):
    if got != wanted:
        raise RuntimeError("%s is %r, not %r" % (what, got, wanted))


def first(*attempts):
    """What the first of the functions that works returns; None when none does. For facts of a report."""
    for attempt in attempts:
        try:
            return attempt()
        except Exception:
            pass
    return None
