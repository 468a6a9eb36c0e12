# Goes before each check of this directory. Runs on Python 3.6 and later.
import json
import sys
import time

expect_gpu = "--expect-gpu" in sys.argv


def say(**answer):
    for key in ("said", "words"):  # messages of other programs may have several lines
        if key in answer:
            answer[key] = " ".join(answer[key].split())
    print("TINDERBOX-ANSWER " + json.dumps(answer), flush=True)


def step(name, check, gpu=False):
    """Runs one step; check() returns words for the report, or None. The first failed step ends the
    check, because an error of CUDA breaks the context of the process."""
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
    """The result of the first function that raises no exception, else None. For facts of a report."""
    for attempt in attempts:
        try:
            return attempt()
        except Exception:
            pass
    return None
